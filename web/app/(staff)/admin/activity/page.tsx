import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { auditActionsOptions, auditFilter, auditOptions } from "@/features/operations/api";
import { AuditTable } from "@/features/operations/audit-table";
import { serverApi, staff } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Activity" };

export default async function ActivityPage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  const params = await searchParams;
  const filter = auditFilter((key) => (typeof params[key] === "string" ? params[key] : null));
  await staff("/admin/activity", "audit.read");
  const api = await serverApi();
  return (
    <Prefetched load={(client) => [client.infiniteQuery(auditOptions(filter, api)), client.query(auditActionsOptions(api))]}>
      <Page>
        <PageHeader title="Activity">Who did what, and when. Each entry is chained to the one before, so an altered one shows.</PageHeader>
        <AuditTable />
      </Page>
    </Prefetched>
  );
}

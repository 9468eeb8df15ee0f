import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { auditOptions } from "@/features/operations/api";
import { AuditTable } from "@/features/operations/audit-table";
import { serverApi, staff } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Activity" };

export default async function ActivityPage() {
  await staff("/admin/activity", "audit.read");
  const api = await serverApi();
  return (
    <Prefetched load={(client) => [client.infiniteQuery(auditOptions(api))]}>
      <Page>
        <PageHeader title="Activity">Who did what, and when. Each entry is chained to the one before, so an altered one shows.</PageHeader>
        <AuditTable />
      </Page>
    </Prefetched>
  );
}

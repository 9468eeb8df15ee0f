import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { eventFilter, eventsOptions, figuresOptions } from "@/features/guard/api";
import { EventsTable } from "@/features/guard/events-table";
import { serverApi, staff } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Security" };

export default async function SecurityPage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  const params = await searchParams;
  const filter = eventFilter((key) => (typeof params[key] === "string" ? params[key] : null));
  await staff("/admin/security", "audit.read");
  const api = await serverApi();
  return (
    <Prefetched load={(client) => [client.infiniteQuery(eventsOptions(filter, api)), client.query(figuresOptions(api))]}>
      <Page>
        <PageHeader title="Security">Who tried the doors, and what was done to accounts. Figures are of the last 24 hours.</PageHeader>
        <EventsTable />
      </Page>
    </Prefetched>
  );
}

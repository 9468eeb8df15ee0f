import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { mailsOptions } from "@/features/mails/api";
import { MailsTable } from "@/features/mails/mails-table";
import { serverApi, staff } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Mails" };

export default async function MailsPage() {
  await staff("/admin/mails", "system.read");
  const api = await serverApi();
  return (
    <Prefetched load={(client) => [client.query(mailsOptions(api))]}>
      <Page>
        <PageHeader title="Mails">What this place writes to people, in your words if you like.</PageHeader>
        <MailsTable />
      </Page>
    </Prefetched>
  );
}

import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { Notice } from "@/components/notice";
import { PageHeader } from "@/components/page-header";
import { Section } from "@/components/section";
import { exportOptions, leaveOptions } from "@/features/account/api";
import { DataExport } from "@/features/account/data-export";
import { LeaveAccount } from "@/features/account/leave-account";
import { member, serverApi } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Your data" };

export default async function YourData({ searchParams }: { searchParams: Promise<{ kept?: string | string[] }> }) {
  const [me, { kept }] = await Promise.all([member("/your-data"), searchParams]);
  const api = await serverApi();
  return (
    <Prefetched load={(client) => [client.query(exportOptions(api)), client.query(leaveOptions(api))]}>
      <Page measure="form">
        <PageHeader title="Your data">What is held about you, as a copy to keep; and the way to leave.</PageHeader>
        {kept && !me.acting ? <Notice tone="success">Welcome back. Your account was to be deleted; you signed in, so it stays, and all is as it was.</Notice> : null}
        {me.acting ? <Notice>{`Only ${me.display_name} can have a copy of their data, or delete their account.`}</Notice> : null}
        <Section
          title="A copy to keep"
          lead="One ZIP file with all that concerns you: your account, your devices, what you were sent and did, and your files. A page to read it, and the same for machines. It can be had for a week."
        >
          {me.acting ? null : <DataExport />}
        </Section>
        <Section title="Delete your account">
          {me.acting ? null : <LeaveAccount email={me.email} />}
        </Section>
      </Page>
    </Prefetched>
  );
}

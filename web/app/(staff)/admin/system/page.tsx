import { H2, Page, Stack } from "@ds/layout";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { deadJobsOptions } from "@/features/operations/api";
import { DeadJobs } from "@/features/operations/dead-jobs";
import { DemoRemoval } from "@/features/operations/demo-removal";
import { serverApi, staff, system } from "@/lib/api/server";
import { can } from "@/lib/permissions";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "System" };

export default async function SystemPage() {
  const me = await staff("/admin/system", "system.read");
  const [api, info] = await Promise.all([serverApi(), system()]);
  return (
    <Prefetched load={(client) => [client.query(deadJobsOptions(api))]}>
      <Page>
        <PageHeader title="System" beside={info ? <span className="font-mono text-13 text-muted">{info.version}</span> : undefined} />
        {info?.demo && can(me, "system.manage") ? <DemoRemoval /> : null}
        <Stack spacing="md">
          <H2>Jobs that gave up</H2>
          <DeadJobs />
        </Stack>
      </Page>
    </Prefetched>
  );
}

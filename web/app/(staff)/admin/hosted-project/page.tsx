import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { hostedOptions } from "@/features/hosted/api";
import { HostedProject } from "@/features/hosted/hosted-project";
import { serverApi, staff } from "@/lib/api/server";
import { can } from "@/lib/permissions";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Hosted project" };

export default async function HostedProjectPage() {
  const me = await staff("/admin/hosted-project", "system.read");
  const api = await serverApi();
  return (
    <Prefetched load={(client) => [client.query(hostedOptions(api))]}>
      <Page>
        <HostedProject mayManage={can(me, "system.manage")} />
      </Page>
    </Prefetched>
  );
}

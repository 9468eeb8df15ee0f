import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { projectOptions } from "@/features/apps/api";
import { Project } from "@/features/apps/project";
import { serverApi, staff } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Apps" };

export default async function AppsPage() {
  await staff("/admin/apps", "system.manage");
  const api = await serverApi();
  return (
    <Prefetched load={(client) => [client.query(projectOptions(api))]}>
      <Page>
        <Project />
      </Page>
    </Prefetched>
  );
}

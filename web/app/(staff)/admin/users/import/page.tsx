import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { ImportPeople } from "@/features/people/import";
import { rolesOptions } from "@/features/people/roles-options";
import { serverApi, staff } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Import members" };

export default async function ImportPage() {
  await staff("/admin/users/import", "users.write");
  const api = await serverApi();
  return (
    <Prefetched load={(client) => [client.query(rolesOptions(api))]}>
      <Page>
        <PageHeader title="Import members">From a CSV file, as any spreadsheet saves one. Nothing counts until you have seen what comes of it.</PageHeader>
        <ImportPeople />
      </Page>
    </Prefetched>
  );
}

import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { RolesBoard } from "@/features/people/roles-board";
import { permissionsOptions, rolesOptions } from "@/features/people/roles-options";
import { serverApi, staff } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Roles" };

export default async function RolesPage() {
  await staff("/admin/roles", "roles.write");
  const api = await serverApi();
  return (
    <Prefetched load={(client) => [client.query(rolesOptions(api)), client.query(permissionsOptions(api))]}>
      <Page>
        <RolesBoard />
      </Page>
    </Prefetched>
  );
}

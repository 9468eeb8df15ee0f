import { Page } from "@ds/layout";
import type { Metadata } from "next";
import Link from "next/link";
import { PageHeader } from "@/components/page-header";
import { Button } from "@/components/ui/button";
import { userFilter, usersOptions } from "@/features/people/api";
import { Invite } from "@/features/people/invite";
import { rolesOptions } from "@/features/people/roles-options";
import { UsersTable } from "@/features/people/users-table";
import { serverApi, staff } from "@/lib/api/server";
import { can } from "@/lib/permissions";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Members" };

export default async function Users({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  const params = await searchParams;
  const filter = userFilter((key) => (typeof params[key] === "string" ? params[key] : null));
  const me = await staff(`/admin/users?${new URLSearchParams({ ...filter }).toString()}`, "users.read");
  const api = await serverApi();
  return (
    <Prefetched load={(client) => [client.infiniteQuery(usersOptions(filter, api)), client.query(rolesOptions(api))]}>
      <Page>
        <PageHeader title="Members" action={
            can(me, "users.write") ? (
              <span className="flex flex-wrap gap-2">
                <Button asChild variant="secondary">
                  <Link href="/admin/users/import">Import</Link>
                </Button>
                <Invite mayGiveRoles={can(me, "roles.write")} />
              </span>
            ) : undefined
          } />
        <UsersTable me={me} />
      </Page>
    </Prefetched>
  );
}

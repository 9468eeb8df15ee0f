import { Page } from "@ds/layout";
import { PenLine } from "lucide-react";
import type { Metadata } from "next";
import Link from "next/link";
import { notFound } from "next/navigation";
import { Button } from "@/components/ui/button";
import { userOptions } from "@/features/people/api";
import { rolesOptions } from "@/features/people/roles-options";
import { UserDetail } from "@/features/people/user-detail";
import { membershipOptions } from "@/features/tiers/api";
import { HeldTier } from "@/features/tiers/held-tier";
import { ApiError } from "@/lib/api/problem";
import { serverApi, staff } from "@/lib/api/server";
import { can } from "@/lib/permissions";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Member" };

export default async function UserPage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  const me = await staff(`/admin/users/${encodeURIComponent(id)}`, "users.read");
  const api = await serverApi();
  const options = userOptions(id, api);
  const user = await options.queryFn().catch((error: unknown) => {
    if (error instanceof ApiError && (error.status === 404 || error.status === 400)) notFound();
    return null;
  });
  const write = can(me, "updates.publish") ? (
    <Button asChild variant="secondary">
      <Link href={`/admin/updates/new?to=${encodeURIComponent(id)}`}>
        <PenLine aria-hidden />
        Write to them
      </Link>
    </Button>
  ) : null;
  return (
    <Prefetched load={(client) => [client.query(rolesOptions(api)), ...(can(me, "billing.read") ? [client.query(membershipOptions(id, api))] : []), ...(user ? [client.query({ ...options, queryFn: () => user })] : [])]}>
      <Page>
        <UserDetail id={id} me={me} aside={write} held={can(me, "billing.read") ? <HeldTier user={id} mayWrite={can(me, "billing.write")} /> : null} />
      </Page>
    </Prefetched>
  );
}

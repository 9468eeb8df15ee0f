import { Page } from "@ds/layout";
import { PenLine } from "lucide-react";
import type { Metadata } from "next";
import Link from "next/link";
import { PageHeader } from "@/components/page-header";
import { Button } from "@/components/ui/button";
import { updatesOptions } from "@/features/publishing/api";
import { UpdatesTable } from "@/features/publishing/updates-table";
import { serverApi, staff } from "@/lib/api/server";
import { can } from "@/lib/permissions";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Updates" };

export default async function Updates() {
  const me = await staff("/admin/updates", "updates.read");
  const canPublish = can(me, "updates.publish");
  const api = await serverApi();
  return (
    <Prefetched load={(client) => [client.infiniteQuery(updatesOptions(api))]}>
      <Page>
        <PageHeader
          title="Updates"
          action={
            canPublish ? (
              <Button asChild>
                <Link href="/admin/updates/new">
                  <PenLine aria-hidden />
                  Write an update
                </Link>
              </Button>
            ) : undefined
          }
        />
        <UpdatesTable canPublish={canPublish} />
      </Page>
    </Prefetched>
  );
}

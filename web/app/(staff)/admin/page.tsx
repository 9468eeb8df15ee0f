import { Page } from "@ds/layout";
import { PenLine } from "lucide-react";
import type { Metadata } from "next";
import Link from "next/link";
import { PageHeader } from "@/components/page-header";
import { Button } from "@/components/ui/button";
import { totalsOptions, usersOptions } from "@/features/people/api";
import { Newest, PeopleFigures } from "@/features/people/overview";
import { updatesOptions } from "@/features/publishing/api";
import { Latest } from "@/features/publishing/latest";
import { UpdateFigures } from "@/features/publishing/figures";
import { serverApi, staff } from "@/lib/api/server";
import { can } from "@/lib/permissions";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Overview" };

export default async function Overview() {
  const me = await staff("/admin");
  const api = await serverApi();
  const people = can(me, "users.read");
  const canPublish = can(me, "updates.publish");
  const updates = canPublish || can(me, "updates.read");
  return (
    <Prefetched load={(client) => [...(people ? [client.query(totalsOptions(api)), client.infiniteQuery(usersOptions({}, api))] : []), ...(updates ? [client.infiniteQuery(updatesOptions(api))] : [])]}>
      <Page>
        <PageHeader
          title="Overview"
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
        <section aria-label="Figures" className="flex flex-wrap gap-x-10 gap-y-6 border-y border-border py-5">
          {people ? <PeopleFigures /> : null}
          {updates ? <UpdateFigures /> : null}
        </section>
        <div className="grid gap-10 md:grid-cols-[minmax(0,1fr)_16rem]">
          {updates ? <Latest canPublish={canPublish} /> : null}
          {people ? <Newest /> : null}
        </div>
      </Page>
    </Prefetched>
  );
}

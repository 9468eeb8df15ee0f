import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { Tabs } from "@/components/ui/tabs";
import { feedOptions } from "@/features/feed/api";
import { FeedList } from "@/features/feed/feed-list";
import { member, serverApi } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";
import { waitingOptions } from "@/lib/waiting";

export const metadata: Metadata = { title: "Updates" };

export default async function Updates({ searchParams }: { searchParams: Promise<{ show?: string | string[] }> }) {
  const unread = (await searchParams).show === "unread";
  const me = await member(unread ? "/updates?show=unread" : "/updates");
  const api = await serverApi();
  const unreadCount = await waitingOptions(api)
    .queryFn()
    .then(
      (waiting) => waiting.unread,
      () => undefined,
    );
  return (
    <Prefetched load={(client) => [client.infiniteQuery(feedOptions(unread, api))]}>
      <Page measure="prose">
        <PageHeader title="Updates" />
        <Tabs
          label="Which updates"
          current={unread ? "unread" : "all"}
          items={[
            { key: "all", label: "All", href: "/updates" },
            { key: "unread", label: "Unread", href: "/updates?show=unread", ...(unreadCount === undefined ? {} : { count: unreadCount }) },
          ]}
        />
        <FeedList key={String(unread)} userId={me.id} unread={unread} title={unread ? "Unread" : "All updates"} />
      </Page>
    </Prefetched>
  );
}

import { Display, Page, Stack } from "@ds/layout";
import type { Metadata } from "next";
import { feedOptions } from "@/features/feed/api";
import { FeedList } from "@/features/feed/feed-list";
import { Waiting } from "@/features/feed/waiting";
import { MyTier } from "@/features/tiers/my-tier";
import { member, serverApi } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";
import { myMembershipOptions } from "@/lib/tiers";
import { greeting } from "@/lib/time";

export const metadata: Metadata = { title: "Home" };

function hourIn(timeZone: string): number {
  try {
    return Number(new Intl.DateTimeFormat("en-GB", { hour: "2-digit", hourCycle: "h23", timeZone }).format(new Date()));
  } catch {
    return new Date().getUTCHours();
  }
}

export default async function Home() {
  const me = await member("/home");
  const api = await serverApi();
  const name = me.display_name.split(" ")[0] ?? me.display_name;
  return (
    <Prefetched load={(client) => [client.infiniteQuery(feedOptions(false, api)), client.query(myMembershipOptions(api))]}>
      <Page measure="prose">
        <Stack spacing="xs" paddingTop="$4">
          <Display>
            {greeting(hourIn(me.time_zone))}, {name}
          </Display>
          <Waiting />
        </Stack>
        <MyTier userId={me.id} />
        <FeedList userId={me.id} title="For you" />
      </Page>
    </Prefetched>
  );
}

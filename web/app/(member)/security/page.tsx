import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { sessionsOptions } from "@/features/account/api";
import { Devices } from "@/features/account/devices";
import { member, serverApi } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Devices" };

export default async function Security() {
  await member("/security");
  const api = await serverApi();
  return (
    <Prefetched load={(client) => [client.query(sessionsOptions(api))]}>
      <Page measure="form">
        <PageHeader title="Devices">Where you are signed in. A device that is signed out here is out at once.</PageHeader>
        <Devices />
      </Page>
    </Prefetched>
  );
}

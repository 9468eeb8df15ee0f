import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { Section } from "@/components/section";
import { myPaymentsOptions, offersOptions } from "@/features/billing/api";
import { MyMembership } from "@/features/billing/membership";
import { MyPayments } from "@/features/billing/my-payments";
import { member, serverApi, system } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";
import { myMembershipOptions } from "@/lib/tiers";

export const metadata: Metadata = { title: "Membership" };

export default async function MembershipPage({ searchParams }: { searchParams: Promise<{ checkout?: string | string[] }> }) {
  const [me, info, { checkout }] = await Promise.all([member("/membership"), system(), searchParams]);
  const api = await serverApi();
  return (
    <Prefetched load={(client) => [client.query(offersOptions(api)), client.query(myMembershipOptions(api)), client.infiniteQuery(myPaymentsOptions(api))]}>
      <Page measure="prose">
        <PageHeader title="Membership">What you have here, what you pay for it, and what you paid.</PageHeader>
        <MyMembership userId={me.id} zone={me.time_zone} returned={checkout === "done"} acting={Boolean(me.acting)} sandbox={Boolean(info?.payments_sandbox)} />
        <Section title="Payments">
          <MyPayments userId={me.id} />
        </Section>
      </Page>
    </Prefetched>
  );
}

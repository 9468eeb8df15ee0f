import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { InPerson } from "@/components/in-person";
import { PageHeader } from "@/components/page-header";
import { Section } from "@/components/section";
import { impersonationsOptions, linkedOptions, passkeysOptions, securityOptions, sessionsOptions } from "@/features/account/api";
import { Devices } from "@/features/account/devices";
import { ProviderNotice } from "@/features/account/provider-notice";
import { Security } from "@/features/account/security";
import { SecurityLive } from "@/features/account/security-live";
import { StaffInPlace } from "@/features/account/staff-in-place";
import { WaysIn } from "@/features/account/ways-in";
import { member, serverApi, waysIn } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";
import { providerProblem } from "@/lib/provider-problem";

export const metadata: Metadata = { title: "Security" };

interface Props {
  searchParams: Promise<Partial<Record<"linked" | "problem" | "provider", string | string[]>>>;
}
const one = (value: string | string[] | undefined) => (typeof value === "string" ? value : null);

export default async function SecurityPage({ searchParams }: Props) {
  const [me, params, ways, api] = await Promise.all([member("/security"), searchParams, waysIn(), serverApi()]);
  const title = (name: string | null) => ways.providers.find((provider) => provider.name === name)?.title ?? null;
  return (
    <Prefetched load={(client) => [client.query(securityOptions(api)), client.query(sessionsOptions(api)), client.query(passkeysOptions(api)), client.query(linkedOptions(api)), client.infiniteQuery(impersonationsOptions(api))]}>
      <Page measure="form">
        <PageHeader title="Security" beside={<SecurityLive userId={me.id} />}>What proves that it is you, and where you are signed in.</PageHeader>
        <ProviderNotice linked={title(one(params.linked))} problem={providerProblem(one(params.problem), title(one(params.provider)) ?? "The provider")} />
        <InPerson me={me} always>
          <Security me={me} />
          <WaysIn providers={ways.providers.length > 0} />
          <Section id="devices" title="Devices" lead="Where you are signed in. A device that is signed out here is out at once.">
            <Devices />
          </Section>
        </InPerson>
        <Section id="staff" title="Staff in your place" lead="When somebody who works here looks at this place as you, you are told by mail, and it stands here.">
          <StaffInPlace userId={me.id} />
        </Section>
      </Page>
    </Prefetched>
  );
}

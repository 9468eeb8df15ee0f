import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { featuresOptions } from "@/features/tiers/api";
import { FeatureList } from "@/features/tiers/feature-list";
import { TiersTable } from "@/features/tiers/tiers-table";
import { serverApi, staff } from "@/lib/api/server";
import { can } from "@/lib/permissions";
import { Prefetched } from "@/lib/prefetch";
import { tiersOptions } from "@/lib/tiers";

export const metadata: Metadata = { title: "Tiers" };

export default async function Tiers() {
  const me = await staff("/admin/tiers", "billing.read");
  const api = await serverApi();
  const mayWrite = can(me, "billing.write");
  return (
    <Prefetched load={(client) => [client.query(tiersOptions(api)), client.query(featuresOptions(api))]}>
      <Page>
        <TiersTable mayWrite={mayWrite} />
        <FeatureList mayWrite={mayWrite} />
      </Page>
    </Prefetched>
  );
}

import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { apiKeysOptions, permissionsOptions } from "@/features/guard/api";
import { ApiKeys } from "@/features/guard/api-keys";
import { serverApi, staff } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "API keys" };

export default async function ApiKeysPage() {
  await staff("/admin/api-keys", "api_keys.write");
  const api = await serverApi();
  return (
    <Prefetched load={(client) => [client.infiniteQuery(apiKeysOptions(api)), client.query(permissionsOptions(api))]}>
      <Page>
        <ApiKeys />
      </Page>
    </Prefetched>
  );
}

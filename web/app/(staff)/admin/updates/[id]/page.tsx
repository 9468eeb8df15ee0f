import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { recipientsOptions, updateOptions } from "@/features/publishing/api";
import { Receipts } from "@/features/publishing/receipts";
import { ApiError } from "@/lib/api/problem";
import { serverApi, staff } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Receipts" };

export default async function UpdatePage({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  await staff(`/admin/updates/${encodeURIComponent(id)}`, "updates.read");
  const api = await serverApi();
  const options = updateOptions(id, api);
  const update = await options.queryFn().catch((error: unknown) => {
    if (error instanceof ApiError && (error.status === 404 || error.status === 400)) notFound();
    return null;
  });
  return (
    <Prefetched load={(client) => [...(update ? [client.query({ ...options, queryFn: () => update })] : []), client.infiniteQuery(recipientsOptions(id, api))]}>
      <Page measure="prose">
        <Receipts id={id} />
      </Page>
    </Prefetched>
  );
}

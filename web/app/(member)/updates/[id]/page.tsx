import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { entryOptions } from "@/features/feed/api";
import { Reading } from "@/features/feed/reading";
import { ApiError } from "@/lib/api/problem";
import { member, serverApi } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Update" };

export default async function Update({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  await member(`/updates/${encodeURIComponent(id)}`);
  const options = entryOptions(id, await serverApi());
  const entry = await options.queryFn().catch((error: unknown) => {
    if (error instanceof ApiError && (error.status === 404 || error.status === 400)) notFound();
    return null;
  });
  return (
    <Prefetched load={(client) => (entry ? [client.query({ ...options, queryFn: () => entry })] : [])}>
      <Page measure="prose">
        <Reading id={id} />
      </Page>
    </Prefetched>
  );
}

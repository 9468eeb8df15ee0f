import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { userOptions } from "@/features/people/api";
import { Composer } from "@/features/publishing/composer";
import { serverApi, staff } from "@/lib/api/server";

export const metadata: Metadata = { title: "New update" };

export default async function NewUpdate({ searchParams }: { searchParams: Promise<{ to?: string | string[] }> }) {
  const { to } = await searchParams;
  await staff("/admin/updates/new", "updates.publish");
  const person = typeof to === "string" ? await userOptions(to, await serverApi()).queryFn().catch(() => null) : null;
  return (
    <Page>
      <PageHeader title="New update" />
      <Composer prefilled={person ? { id: person.id, name: person.name } : undefined} />
    </Page>
  );
}

import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { mailOptions } from "@/features/mails/api";
import { MailEditor } from "@/features/mails/mail-editor";
import { ApiError } from "@/lib/api/problem";
import { serverApi, staff } from "@/lib/api/server";
import { can } from "@/lib/permissions";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Mail" };

export default async function MailPage({ params }: { params: Promise<{ name: string }> }) {
  const { name } = await params;
  const me = await staff(`/admin/mails/${encodeURIComponent(name)}`, "system.read");
  const options = mailOptions(name, await serverApi());
  const mail = await options.queryFn().catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 404) notFound();
    return null;
  });
  return (
    <Prefetched load={(client) => (mail ? [client.query({ ...options, queryFn: () => mail })] : [])}>
      <Page>
        <MailEditor name={name} mayManage={can(me, "system.manage")} />
      </Page>
    </Prefetched>
  );
}

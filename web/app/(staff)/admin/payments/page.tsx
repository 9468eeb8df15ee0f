import { Page } from "@ds/layout";
import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { Button } from "@/components/ui/button";
import { paymentFilter, paymentsOptions } from "@/features/billing/api";
import { PaymentsTable } from "@/features/billing/payments-table";
import { serverApi, staff, system } from "@/lib/api/server";
import { Prefetched } from "@/lib/prefetch";

export const metadata: Metadata = { title: "Payments" };

export default async function PaymentsPage({ searchParams }: { searchParams: Promise<Record<string, string | string[] | undefined>> }) {
  const params = await searchParams;
  const filter = paymentFilter((key) => (typeof params[key] === "string" ? params[key] : null));
  await staff("/admin/payments", "billing.read");
  const [api, info] = await Promise.all([serverApi(), system()]);
  const sandbox = info?.payments_sandbox ?? null;
  const steer = sandbox ? (
    <Button asChild variant="secondary">
      <a href={sandbox} target="_blank" rel="noopener">
        Open the sandbox
      </a>
    </Button>
  ) : undefined;
  return (
    <Prefetched load={(client) => [client.infiniteQuery(paymentsOptions(filter, api))]}>
      <Page>
        <PageHeader title="Payments" action={steer}>
          {sandbox ? "What members paid, as it happens. Payments are practised here: no money moves." : "What members paid, as it happens."}
        </PageHeader>
        <PaymentsTable sandbox={sandbox} />
      </Page>
    </Prefetched>
  );
}

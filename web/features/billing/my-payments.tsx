"use client";
import { useEffect } from "react";
import { DataTable, type Column } from "@/components/data-table";
import { ErrorState } from "@/components/error-state";
import { More } from "@/components/more";
import { RelativeTime } from "@/components/relative-time";
import { money } from "@/lib/money";
import type { PageOf } from "@/lib/pages";
import { useLive } from "@/lib/realtime/use-live";
import { useLivePages } from "@/lib/use-live-pages";
import { myPaymentsOptions, type Payment } from "./api";
import { cardInWords, InvoiceLink, PaymentStatus } from "./payment";

const columns: readonly Column<Payment>[] = [
  {
    key: "what",
    header: "For",
    className: "w-full max-w-0 min-w-32",
    cell: (one) => (
      <span className="flex min-w-0 flex-col">
        <span className="truncate">{one.description ?? "Payment"}</span>
        <span className="truncate text-13 text-muted">
          <RelativeTime at={one.created_at} />
          {cardInWords(one.card) ? ` · ${cardInWords(one.card) ?? ""}` : null}
        </span>
        <span className="md:hidden">
          <InvoiceLink payment={one} />
        </span>
      </span>
    ),
  },
  { key: "invoice", header: "Invoice", wide: true, cell: (one) => <InvoiceLink payment={one} /> },
  { key: "status", header: "Status", className: "max-w-44", cell: (one) => <PaymentStatus payment={one} /> },
  { key: "amount", header: "Amount", className: "text-right whitespace-nowrap tabular-nums", cell: (one) => money(one.amount, one.currency) },
];

/** What the member paid, the latest first and live. */
export function MyPayments({ userId }: { userId: string }) {
  const list = useLivePages<Payment, PageOf<Payment>>(myPaymentsOptions());
  useLive("my-payments", { schema: "billing", table: "payments", filter: `user_id=eq.${userId}` }, list.refresh, list.since);
  // Their own payments are no feed that must not move: what is new stands at the top at once.
  const { waiting, show } = list;
  useEffect(() => {
    if (waiting > 0) show();
  }, [waiting, show]);
  if (list.isError && !list.rows) return <ErrorState error={list.error} retry={() => void list.refetch()} />;
  return (
    <div className="flex flex-col gap-3">
      <DataTable caption="Your payments" columns={columns} rows={list.rows} rowKey={(one) => one.id} empty={<p className="text-muted">You have paid nothing here yet.</p>} />
      <More list={list}>Earlier payments</More>
    </div>
  );
}

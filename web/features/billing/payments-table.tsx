"use client";
import Link from "next/link";
import { DataTable, type Column } from "@/components/data-table";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { LiveIndicator } from "@/components/live-indicator";
import { More } from "@/components/more";
import { NewRows } from "@/components/new-rows";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import { Select } from "@/components/ui/select";
import { money } from "@/lib/money";
import type { PageOf } from "@/lib/pages";
import { useLive } from "@/lib/realtime/use-live";
import { useLivePages } from "@/lib/use-live-pages";
import { useUrlState } from "@/lib/use-url-state";
import { paymentFilter, paymentsOptions, STATUSES, type Payment } from "./api";
import { cardInWords, InvoiceLink, PaymentStatus, statusInWords } from "./payment";

const columns: readonly Column<Payment>[] = [
  { key: "at", header: "When", wide: true, className: "whitespace-nowrap text-muted", cell: (one) => <RelativeTime at={one.created_at} /> },
  {
    key: "payer",
    header: "Who",
    className: "w-full max-w-0 min-w-32",
    cell: (one) => (
      <span className="flex min-w-0 flex-col">
        {one.payer?.name ? (
          <Link href={`/admin/users/${one.payer.id}`} className="truncate font-medium text-ink underline-offset-4 hover:underline">
            {one.payer.name}
          </Link>
        ) : (
          <span className="truncate text-muted">Somebody whose account is gone</span>
        )}
        <span className="truncate text-13 text-muted">{one.description ?? "Nothing is said about what for"}</span>
        <span className="flex flex-wrap gap-x-2 text-13 text-muted md:hidden">
          <RelativeTime at={one.created_at} />
          <InvoiceLink payment={one} />
        </span>
      </span>
    ),
  },
  { key: "card", header: "Card", wide: true, className: "whitespace-nowrap text-muted", cell: (one) => cardInWords(one.card) ?? "–" },
  { key: "invoice", header: "Invoice", wide: true, cell: (one) => <InvoiceLink payment={one} /> },
  { key: "status", header: "Status", className: "max-w-44", cell: (one) => <PaymentStatus payment={one} /> },
  { key: "amount", header: "Amount", className: "text-right whitespace-nowrap tabular-nums", cell: (one) => money(one.amount, one.currency) },
];

/** What everybody paid, the latest first and live. */
export function PaymentsTable({ sandbox }: { sandbox: string | null }) {
  const [params, setParams] = useUrlState();
  const filter = paymentFilter((key) => params.get(key));
  const list = useLivePages<Payment, PageOf<Payment>>(paymentsOptions(filter));
  useLive("payments", { schema: "billing", table: "payments" }, list.refresh, list.since);
  const narrowed = Object.keys(filter).length > 0;
  const clear = () => setParams({ status: "", user: "" });
  return (
    <div className="flex flex-col gap-3">
      <search className="flex flex-wrap items-center gap-2">
        <Select aria-label="Status" value={filter.status ?? ""} onChange={(event) => setParams({ status: event.target.value })}>
          <option value="">All payments</option>
          {STATUSES.map((status) => (
            <option key={status} value={status}>
              {statusInWords(status)}
            </option>
          ))}
        </Select>
        {narrowed ? (
          <Button variant="ghost" onClick={clear}>
            Show everything
          </Button>
        ) : null}
      </search>
      <div className="flex h-8 items-center justify-between gap-3">
        <LiveIndicator />
        <NewRows count={list.waiting} show={list.show} />
      </div>
      {list.isError && !list.rows ? (
        <ErrorState error={list.error} retry={() => void list.refetch()} />
      ) : (
        <DataTable
          caption="Payments"
          columns={columns}
          rows={list.rows}
          rowKey={(one) => one.id}
          empty={
            narrowed ? (
              <EmptyState
                scene="quiet"
                title="Nothing fits"
                action={
                  <Button variant="secondary" onClick={clear}>
                    Show everything
                  </Button>
                }
              >
                No payment stands so.
              </EmptyState>
            ) : (
              <EmptyState
                title="No payments yet"
                action={
                  <Button asChild variant="secondary">
                    <Link href="/admin/tiers">Set prices</Link>
                  </Button>
                }
              >
                {sandbox ? "Give a tier a price, then subscribe as a member with a test card: the payment appears here at once." : "What members pay appears here at once."}
              </EmptyState>
            )
          }
        />
      )}
      <More list={list}>Earlier payments</More>
    </div>
  );
}

"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowLeft, Check, CheckCheck, CircleCheck, Clock } from "lucide-react";
import Link from "next/link";
import { DataTable, type Column } from "@/components/data-table";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { LiveIndicator } from "@/components/live-indicator";
import { More } from "@/components/more";
import { Person } from "@/components/person";
import { Prose } from "@/components/prose";
import { RelativeTime } from "@/components/relative-time";
import { Stat } from "@/components/stat";
import { Skeleton } from "@/components/ui/skeleton";
import { keys } from "@/lib/query-keys";
import { sinceOf } from "@/lib/realtime/cursor";
import type { PageOf } from "@/lib/pages";
import { useLivePages } from "@/lib/use-live-pages";
import { recipientsOptions, updateOptions, type Recipient, type Update } from "./api";
import { audienceWords } from "./audience";
import { usePublished } from "./use-published";

type Row = Recipient & { id: string };

const states = {
  acknowledged: { word: "Answered", icon: CircleCheck, tone: "text-success" },
  read: { word: "Read", icon: CheckCheck, tone: "text-primary" },
  delivered: { word: "Delivered", icon: Check, tone: "text-muted" },
  waiting: { word: "Not reached yet", icon: Clock, tone: "text-muted" },
} as const;

/** The furthest that this reader has come, and when. */
function furthest(row: Row): { state: keyof typeof states; at: string | null } {
  if (row.acknowledged_at) return { state: "acknowledged", at: row.acknowledged_at };
  if (row.read_at) return { state: "read", at: row.read_at };
  return row.delivered_at ? { state: "delivered", at: row.delivered_at } : { state: "waiting", at: null };
}

function Receipt({ row }: { row: Row }) {
  const { state, at } = furthest(row);
  const { word, icon: Icon, tone } = states[state];
  return (
    <span className={`inline-flex items-center gap-1.5 ${tone}`} data-state={state}>
      <Icon aria-hidden className="size-4 shrink-0" />
      <span>
        {word} {at ? <RelativeTime at={at} className="text-muted" /> : null}
      </span>
    </span>
  );
}

const columns: readonly Column<Row>[] = [
  { key: "name", header: "Reader", className: "w-full max-w-0 min-w-36", cell: (row) => <Person id={row.user.id} name={row.user.name} detail={row.user.email} /> },
  { key: "state", header: "Receipt", className: "min-w-36 sm:whitespace-nowrap", cell: (row) => <Receipt row={row} /> },
];

function Summary({ update }: { update: Update }) {
  const { recipients, delivered, read, acknowledged } = update.counts;
  const share = (n: number) => (recipients ? `${Math.round((n / recipients) * 100)} %` : "Nobody to reach");
  return (
    <section aria-label="Counts" className="flex flex-wrap gap-6 border-y border-border py-5">
      <Stat label="Recipients" value={recipients.toLocaleString("en")}>
        {audienceWords(update.audience)}
      </Stat>
      <Stat label="Delivered" value={delivered.toLocaleString("en")}>
        {share(delivered)}
      </Stat>
      <Stat label="Read" value={read.toLocaleString("en")}>
        {share(read)}
      </Stat>
      {update.action ? (
        <Stat label={update.action.label} value={acknowledged.toLocaleString("en")}>
          {share(acknowledged)}
        </Stat>
      ) : null}
    </section>
  );
}

/** One update and what became of it, reader by reader, live. */
export function Receipts({ id }: { id: string }) {
  const client = useQueryClient();
  const update = useQuery(updateOptions(id));
  const list = useLivePages<Row, PageOf<Row>>(recipientsOptions(id));
  const read = () => {
    list.refresh();
    return client.invalidateQueries({ queryKey: keys.updates.one(id) });
  };
  usePublished(`update-${id}`, id, read, sinceOf(update.data, list.first));
  if (update.isError && !update.data) return <ErrorState error={update.error} retry={() => void update.refetch()} />;
  return (
    <div className="flex flex-col gap-8" aria-busy={!update.data}>
      <Link href="/admin/updates" className="inline-flex items-center gap-2 self-start text-muted hover:text-ink">
        <ArrowLeft aria-hidden className="size-4" />
        Updates
      </Link>
      {update.data ? (
        <>
          <div className="flex flex-col gap-1">
            <h1 className="text-26 font-semibold tracking-tight break-words">{update.data.title}</h1>
            <span className="flex flex-wrap items-center gap-3 text-muted">
              <span>
                {update.data.author.name}, <RelativeTime at={update.data.published_at} />
              </span>
              <LiveIndicator />
            </span>
          </div>
          <Summary update={update.data} />
          <details className="group">
            <summary className="text-muted hover:text-ink">What was written</summary>
            <Prose text={update.data.body} className="pt-4" />
          </details>
        </>
      ) : (
        <Skeleton className="h-48" />
      )}
      {list.isError && !list.rows ? (
        <ErrorState error={list.error} retry={() => void list.refetch()} />
      ) : (
        <DataTable
          caption="Receipts"
          columns={columns}
          rows={list.rows}
          rowKey={(row) => row.id}
          empty={
            <EmptyState scene="people" title="It concerned nobody">
              Nobody belonged to the audience when this was published.
            </EmptyState>
          }
        />
      )}
      <More list={list}>More readers</More>
    </div>
  );
}

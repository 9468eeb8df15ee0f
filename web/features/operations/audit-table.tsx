"use client";
import { DataTable, type Column } from "@/components/data-table";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { Person } from "@/components/person";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import type { PageOf } from "@/lib/pages";
import { useLivePages } from "@/lib/use-live-pages";
import { auditOptions, type AuditRow } from "./api";

const hasData = (data: unknown) => typeof data === "object" && data !== null && Object.keys(data).length > 0;

/** `identity.profile_changed` as "Profile changed": the exact name stands beneath it. */
function inWords(action: string): string {
  const words = action.slice(action.indexOf(".") + 1).replace(/[._]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const columns: readonly Column<AuditRow>[] = [
  { key: "at", header: "When", wide: true, className: "whitespace-nowrap text-muted", cell: (entry) => <RelativeTime at={entry.at} /> },
  { key: "actor", header: "Who", className: "min-w-36", cell: (entry) => (entry.actor ? <Person id={entry.actor.id} name={entry.actor.name} /> : <span className="text-muted">Portico itself</span>) },
  {
    key: "action",
    header: "What",
    className: "w-full max-w-0 min-w-32",
    cell: (entry) => (
      <span className="flex min-w-0 flex-col">
        <span className="break-words">{inWords(entry.action)}</span>
        <RelativeTime at={entry.at} className="text-13 text-muted md:hidden" />
        <span className="truncate font-mono text-12 text-muted">
          {entry.action}
          {entry.subject ? ` ${entry.subject}` : null}
        </span>
      </span>
    ),
  },
  {
    key: "data",
    header: "Details",
    wide: true,
    className: "max-w-80",
    cell: (entry) =>
      hasData(entry.data) ? (
        <details>
          <summary className="text-13 whitespace-nowrap text-muted">Show</summary>
          <pre className="pt-2 font-mono text-12 break-all whitespace-pre-wrap">{JSON.stringify(entry.data, null, 2)}</pre>
        </details>
      ) : null,
  },
  { key: "seq", header: "No.", wide: true, className: "text-right font-mono text-12 text-muted", cell: (entry) => entry.seq },
];

/** The audit log, newest first. Nothing in it can be changed, here or anywhere. */
export function AuditTable() {
  const list = useLivePages<AuditRow, PageOf<AuditRow>>(auditOptions());
  if (list.isError && !list.rows) return <ErrorState error={list.error} retry={() => void list.refetch()} />;
  return (
    <div className="flex flex-col gap-3">
      <DataTable
        caption="Audit log"
        columns={columns}
        rows={list.rows}
        rowKey={(entry) => entry.id}
        empty={
          <EmptyState scene="quiet" title="Nothing has happened yet">
            Sign-ins, changes and publications are written down here.
          </EmptyState>
        }
      />
      {list.hasNextPage ? (
        <Button variant="secondary" className="self-center" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          Earlier entries
        </Button>
      ) : null}
    </div>
  );
}

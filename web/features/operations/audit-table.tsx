"use client";
import { DataTable, type Column } from "@/components/data-table";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { LiveIndicator } from "@/components/live-indicator";
import { More } from "@/components/more";
import { NewRows } from "@/components/new-rows";
import { Person } from "@/components/person";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import type { PageOf } from "@/lib/pages";
import { useLive } from "@/lib/realtime/use-live";
import { useUrlState } from "@/lib/use-url-state";
import { useLivePages } from "@/lib/use-live-pages";
import { auditFilter, auditOptions, type AuditFilter, type AuditRow } from "./api";
import { AuditFilters } from "./audit-filters";

const hasData = (data: unknown) => typeof data === "object" && data !== null && Object.keys(data).length > 0;

const IN_PLACE: Readonly<Record<string, string>> = {
  "impersonation.started": "Began to see the place as somebody else",
  "impersonation.acted": "Changed something in their place",
  "impersonation.ended": "No longer in their place",
};

/** `identity.profile_changed` as "Profile changed", `user.suspended` as "Member suspended": the exact name stands beneath it. */
export function inWords(action: string): string {
  const known = IN_PLACE[action];
  if (known) return known;
  const [what = "", ...rest] = action.split(".");
  const act = rest.join(" ").replace(/_/g, " ");
  // One word alone does not say what it was done to.
  const words = act.includes(" ") ? act : `${what === "user" ? "member" : what} ${act}`;
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Who it was; a click shows what else they did. */
function Actor({ entry, narrow }: { entry: AuditRow; narrow: (next: AuditFilter) => void }) {
  const { actor } = entry;
  if (!actor) return <span className="text-muted">Portico itself</span>;
  const via = (entry.data as { via?: { name?: string; on_behalf_of?: string } } | null)?.via;
  const how = via?.name ? (via.on_behalf_of ? `as ${via.name}` : `by the key ${via.name}`) : undefined;
  return (
    <button type="button" className="max-w-full rounded-control text-left" title={`Only what ${actor.name} did`} onClick={() => narrow({ actor: actor.id })}>
      <Person id={actor.id} name={actor.name} detail={how} />
    </button>
  );
}

const columns = (narrow: (next: AuditFilter) => void): readonly Column<AuditRow>[] => [
  { key: "at", header: "When", wide: true, className: "whitespace-nowrap text-muted", cell: (entry) => <RelativeTime at={entry.at} /> },
  { key: "actor", header: "Who", className: "min-w-36", cell: (entry) => <Actor entry={entry} narrow={narrow} /> },
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
          {entry.subject ? ` ${entry.subject_name ?? entry.subject}` : null}
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

/** The audit log, newest first and live. Nothing in it can be changed, here or anywhere. */
export function AuditTable() {
  const [params, setParams] = useUrlState();
  const filter = auditFilter((key) => params.get(key));
  const list = useLivePages<AuditRow, PageOf<AuditRow>>(auditOptions(filter));
  useLive("audit", { schema: "kernel", table: "audit" }, list.refresh, list.since);
  const narrowed = Object.keys(filter).length > 0;
  const clear = () => setParams({ actor: "", action: "", subject: "", from: "", until: "" });
  return (
    <div className="flex flex-col gap-3">
      <AuditFilters filter={filter} change={setParams} clear={narrowed ? clear : undefined} />
      <div className="flex h-8 items-center justify-between gap-3">
        <LiveIndicator />
        <NewRows count={list.waiting} show={list.show} />
      </div>
      {list.isError && !list.rows ? (
        <ErrorState error={list.error} retry={() => void list.refetch()} />
      ) : (
        <DataTable
          caption="Audit log"
          columns={columns((next) => setParams(next))}
          rows={list.rows}
          rowKey={(entry) => entry.id}
          empty={
            <EmptyState
              scene="quiet"
              title={narrowed ? "Nothing fits" : "Nothing has happened yet"}
              action={
                narrowed ? (
                  <Button variant="secondary" onClick={clear}>
                    Show everything
                  </Button>
                ) : undefined
              }
            >
              {narrowed ? "Another act or another day may help." : "Sign-ins, changes and publications are written down here."}
            </EmptyState>
          }
        />
      )}
      <More list={list}>Earlier entries</More>
    </div>
  );
}

"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Download } from "lucide-react";
import Link from "next/link";
import { DataTable, type Column } from "@/components/data-table";
import { DayField } from "@/components/day-field";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { LiveIndicator } from "@/components/live-indicator";
import { More } from "@/components/more";
import { NewRows } from "@/components/new-rows";
import { RelativeTime } from "@/components/relative-time";
import { Stat } from "@/components/stat";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Select } from "@/components/ui/select";
import { Skeleton } from "@/components/ui/skeleton";
import { inWords, KINDS } from "@/lib/happenings";
import type { PageOf } from "@/lib/pages";
import { keys } from "@/lib/query-keys";
import { sinceOf } from "@/lib/realtime/cursor";
import { useLive, useLiveQuery } from "@/lib/realtime/use-live";
import { useLivePages } from "@/lib/use-live-pages";
import { useUrlState } from "@/lib/use-url-state";
import { eventFilter, eventsOptions, figuresOptions, WATCHED, type EventFilter, type SecurityEvent } from "./api";

const EVENTS = { schema: "identity", table: "security_events" };
const ALARMING = new Set(["locked_out", "token_reused"]);

const columns: readonly Column<SecurityEvent>[] = [
  { key: "at", header: "When", wide: true, className: "whitespace-nowrap text-muted", cell: (one) => <RelativeTime at={one.at} /> },
  {
    key: "kind",
    header: "What",
    className: "min-w-40",
    cell: (one) => (
      <span className="flex flex-col items-start gap-0.5">
        {ALARMING.has(one.kind) ? <Badge tone="danger">{inWords(one.kind)}</Badge> : inWords(one.kind)}
        <RelativeTime at={one.at} className="text-13 text-muted md:hidden" />
        {one.actor ? <span className="text-13 text-muted">by {one.actor.name}</span> : null}
      </span>
    ),
  },
  {
    key: "user",
    header: "Whose account",
    className: "w-full max-w-0 min-w-32",
    cell: (one) =>
      one.user ? (
        <Link href={`/admin/users/${one.user.id}`} className="block truncate text-primary underline-offset-4 hover:underline">
          {one.user.name}
        </Link>
      ) : (
        <span className="block truncate text-muted">{one.identifier ? `Nobody's: ${one.identifier}` : "Nobody's"}</span>
      ),
  },
  { key: "device", header: "Device", wide: true, className: "whitespace-nowrap text-muted", cell: (one) => one.device },
  { key: "address", header: "Address", wide: true, className: "font-mono text-12 whitespace-nowrap text-muted", cell: (one) => one.address },
];

/** How often in the last day; each leads to what it counts. */
function Figures({ show }: { show: (kinds: string) => void }) {
  const client = useQueryClient();
  // A day ago moves on by itself; what happens is counted at once.
  const { data } = useQuery({ ...figuresOptions(), refetchInterval: 60_000 });
  useLiveQuery("security-figures", EVENTS, () => client.invalidateQueries({ queryKey: keys.security.figures() }), sinceOf(data));
  return (
    <section aria-label="In the last 24 hours" className="flex flex-wrap gap-x-10 gap-y-6 border-y border-border py-5">
      {WATCHED.map((watched) => {
        const count = data?.items.filter((one) => (watched.kinds as readonly string[]).includes(one.kind)).reduce((sum, one) => sum + one.count, 0);
        return (
          <Stat key={watched.key} label={watched.title} value={count === undefined ? <Skeleton className="h-10 w-12" /> : count.toLocaleString("en")}>
            <button type="button" className="text-primary underline-offset-4 hover:underline" onClick={() => show(watched.kinds.join(","))}>
              Show them
            </button>
          </Stat>
        );
      })}
    </section>
  );
}

function Narrow({ filter, change }: { filter: EventFilter; change: (next: EventFilter) => void }) {
  return (
    <search className="flex flex-wrap items-end gap-2">
      <Select aria-label="Kind" className="max-sm:w-full" value={filter.kinds ?? ""} onChange={(event) => change({ kinds: event.target.value })}>
        <option value="">Anything</option>
        {WATCHED.map((one) => (
          <option key={one.key} value={one.kinds.join(",")}>
            {one.title}
          </option>
        ))}
        <optgroup label="One kind">
          {KINDS.map((kind) => (
            <option key={kind} value={kind}>
              {inWords(kind)}
            </option>
          ))}
        </optgroup>
      </Select>
      <Input aria-label="From this address" placeholder="Address, as in 203.0.113.7" className="sm:w-56" defaultValue={filter.address ?? ""} onBlur={(event) => change({ address: event.target.value.trim() })} onKeyDown={(event) => (event.key === "Enter" ? change({ address: event.currentTarget.value.trim() }) : undefined)} />
      {(["from", "until"] as const).map((key) => (
        <DayField key={key} label={key === "from" ? "From" : "Until"} value={filter[key]} onChange={(day) => change({ [key]: day })} />
      ))}
    </search>
  );
}

/** What happened at the doors. */
export function EventsTable() {
  const [params, setParams] = useUrlState();
  const filter = eventFilter((key) => params.get(key));
  const list = useLivePages<SecurityEvent, PageOf<SecurityEvent>>(eventsOptions(filter));
  useLive("security-events", EVENTS, list.refresh, list.since);
  const narrowed = Object.keys(filter).length > 0;
  const change = (next: EventFilter) => setParams(next);
  return (
    <div className="flex flex-col gap-4">
      <Figures show={(kinds) => change({ kinds })} />
      <Narrow filter={filter} change={change} />
      <div className="flex h-8 items-center gap-3">
        <LiveIndicator className="grow" />
        <NewRows count={list.waiting} show={list.show} />
        <Button asChild variant="ghost" size="sm">
          <a href={`/api/v1/security/export?${new URLSearchParams(filter).toString()}`} download>
            <Download aria-hidden />
            Export
          </a>
        </Button>
      </div>
      {list.isError && !list.rows ? (
        <ErrorState error={list.error} retry={() => void list.refetch()} />
      ) : (
        <DataTable
          caption="What happened at the doors"
          columns={columns}
          rows={list.rows}
          rowKey={(one) => one.id}
          empty={
            <EmptyState
              scene="quiet"
              title={narrowed ? "Nothing fits" : "All quiet"}
              action={
                narrowed ? (
                  <Button variant="secondary" onClick={() => change({ kinds: "", user: "", address: "", from: "", until: "" })}>
                    Show everything
                  </Button>
                ) : undefined
              }
            >
              {narrowed ? "Another kind or another day may help." : "Sign-ins and what goes wrong with them appear here."}
            </EmptyState>
          }
        />
      )}
      <More list={list}>Earlier</More>
    </div>
  );
}

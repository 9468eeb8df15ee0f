"use client";
import { useQuery } from "@tanstack/react-query";
import { ArrowLeftToLine, ArrowRight } from "lucide-react";
import { lazy, Suspense } from "react";
import { DataTable } from "@/components/data-table";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { LiveIndicator } from "@/components/live-indicator";
import { NewRows } from "@/components/new-rows";
import { Button } from "@/components/ui/button";
import type { Schema } from "@/lib/api/client";
import { can } from "@/lib/permissions";
import { keys } from "@/lib/query-keys";
import { useLivePages } from "@/lib/use-live-pages";
import { useUrlState } from "@/lib/use-url-state";
import { countOptions, narrowed, userFilter, usersOptions, type User } from "./api";
import { BulkBar } from "./bulk-bar";
import { chosenColumns, ColumnChoice, columnsOf } from "./columns";
import { ExportMenu } from "./export-menu";
import { Filters, NOTHING, type Change } from "./filters";
import { useRoleTitle } from "./roles-api";
import { usePresence } from "./use-presence";
import { useSelection } from "./use-selection";
import { ViewsMenu } from "./views-menu";

// Most who look at the list change nobody: fetched when a change of many is shown.
const BulkProgress = lazy(() => import("./bulk-progress").then((m) => ({ default: m.BulkProgress })));

const people = (count: number, more: boolean) => (count === 1 && !more ? "1 person" : `${count.toLocaleString("en")}${more ? "+" : ""} people`);

/** Everybody, as the server sorts, filters and pages them; who is here shows live, and who is selected can be acted on. */
export function UsersTable({ me }: { me: { permissions: readonly string[] } }) {
  const [params, setParams] = useUrlState();
  const filter = userFilter((key) => params.get(key));
  const roleTitle = useRoleTitle();
  const list = useLivePages<User, Schema["PeopleView"]>(usersOptions(filter));
  usePresence("users", (presence) => {
    if (!presence) {
      list.refresh();
      return;
    }
    list.patch(presence.id, (user) => ({ ...user, online: presence.online, away: presence.away, last_seen_at: presence.lastSeenAt ?? user.last_seen_at }));
  }, list.since);
  const first = list.first;
  // Beyond what the list counts, the exact number comes a little later.
  const exact = useQuery({ ...countOptions(filter), enabled: first?.more === true });
  const matching = first?.more ? exact.data?.count : first?.total;
  const picks = useSelection(JSON.stringify(keys.users.count(filter)), list.rows);
  const change = (next: Change) => setParams({ ...next, cursor: "" });
  const all = columnsOf(roleTitle);
  const chosen = chosenColumns(params.get("columns"));
  const acts = can(me, "users.write") || can(me, "roles.write");
  const run = params.get("run");
  const view = new URLSearchParams(params);
  for (const key of ["cursor", "run"]) view.delete(key);
  if (list.isError && !list.rows) return <ErrorState error={list.error} retry={() => void list.refetch()} />;
  return (
    <div className="flex flex-col gap-3">
      <Filters filter={filter} change={change} />
      <div className="flex min-h-8 flex-wrap items-center justify-between gap-3">
        <span className="flex items-center gap-3">
          <span className="text-13 text-muted tabular-nums" role="status">
            {first ? people(matching ?? first.total, first.more && matching === undefined) : "Counting"}
          </span>
          <LiveIndicator />
        </span>
        <span className="flex flex-wrap items-center gap-1">
          <NewRows count={list.waiting} show={list.show} />
          <ViewsMenu query={view.toString()} />
          <ColumnChoice all={all} chosen={chosen} choose={(columns) => setParams({ columns })} />
          {can(me, "users.write") ? <ExportMenu filter={filter} count={matching} /> : null}
        </span>
      </div>
      {run ? (
        <Suspense>
          <BulkProgress key={run} run={run} follow={(next) => setParams({ run: next })} dismiss={() => setParams({ run: "" })} />
        </Suspense>
      ) : null}
      <BulkBar
        selection={picks.selection}
        filter={filter}
        matching={matching}
        pageSelected={picks.pageSelected}
        may={(permission) => can(me, permission)}
        all={picks.all}
        clear={picks.clear}
        started={(id) => setParams({ run: id })}
      />
      <DataTable
        caption="Members and staff"
        columns={all.filter((column) => column.key === "name" || chosen.includes(column.key))}
        rows={list.rows}
        rowKey={(user) => user.id}
        sort={filter.sort ?? "-created_at"}
        onSort={(sort) => setParams({ sort, cursor: "" })}
        picking={acts ? { ...picks, label: (user) => `Select ${user.name}` } : undefined}
        empty={
          <EmptyState
            scene="people"
            title={narrowed(filter) ? "Nobody fits" : "Nobody here yet"}
            action={
              narrowed(filter) ? (
                <Button variant="secondary" onClick={() => change(NOTHING)}>
                  Show everybody
                </Button>
              ) : undefined
            }
          >
            {narrowed(filter) ? "A search looks at how names and e-mails begin, then inside them. Another word or fewer filters may help." : "Who signs up appears here by itself."}
          </EmptyState>
        }
      />
      {filter.cursor || first?.next_cursor ? (
        <nav aria-label="Pages" className="flex justify-end gap-2">
          {filter.cursor ? (
            <Button variant="secondary" size="sm" onClick={() => setParams({ cursor: "" }, "push")}>
              <ArrowLeftToLine aria-hidden />
              First
            </Button>
          ) : null}
          <Button variant="secondary" size="sm" disabled={!first?.next_cursor} onClick={() => setParams({ cursor: first?.next_cursor ?? "" }, "push")}>
            Next
            <ArrowRight aria-hidden />
          </Button>
        </nav>
      ) : null}
    </div>
  );
}

"use client";
import { ArrowLeftToLine, ArrowRight } from "lucide-react";
import Link from "next/link";
import { DataTable, type Column } from "@/components/data-table";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { LiveIndicator } from "@/components/live-indicator";
import { NewRows } from "@/components/new-rows";
import { Person } from "@/components/person";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import type { Schema } from "@/lib/api/client";
import { roleTitle } from "@/lib/roles";
import { useLivePages } from "@/lib/use-live-pages";
import { useUrlState } from "@/lib/use-url-state";
import { userFilter, usersOptions, type User } from "./api";
import { Filters, type Change } from "./filters";
import { LastSeen } from "./last-seen";
import { Status } from "./status";
import { usePresence } from "./use-presence";

const columns: readonly Column<User>[] = [
  {
    key: "name",
    header: "Name",
    sortable: true,
    className: "w-full max-w-0 min-w-40",
    cell: (user) => (
      <Link href={`/admin/users/${user.id}`} className="block rounded-control">
        <Person id={user.id} name={user.name} picture={user.picture} detail={user.email} online={user.online} />
      </Link>
    ),
  },
  { key: "status", header: "Status", cell: (user) => <Status status={user.status} /> },
  { key: "roles", header: "Roles", wide: true, className: "whitespace-nowrap text-muted", cell: (user) => user.roles.map(roleTitle).join(", ") },
  { key: "last_seen_at", header: "Last seen", wide: true, className: "min-w-32 whitespace-nowrap", cell: (user) => <LastSeen user={user} /> },
  { key: "created_at", header: "Joined", sortable: true, wide: true, className: "min-w-32 whitespace-nowrap text-muted", cell: (user) => <RelativeTime at={user.created_at} /> },
];

/** Everybody, as the server sorts, filters and pages them; who is here shows live. */
export function UsersTable() {
  const [params, setParams] = useUrlState();
  const filter = userFilter((key) => params.get(key));
  const list = useLivePages<User, Schema["PeopleView"]>(usersOptions(filter));
  usePresence("users", (presence) => {
    if (!presence) return void list.refresh();
    list.patch(presence.id, (user) => ({ ...user, online: presence.online, away: presence.away, last_seen_at: presence.lastSeenAt ?? user.last_seen_at }));
  });
  const change = (next: Change) => setParams({ ...next, cursor: "" });
  const filtered = Boolean(filter.search ?? filter.status ?? filter.role);
  const total = list.first?.total;
  const next = list.first?.next_cursor;
  if (list.isError && !list.rows) return <ErrorState error={list.error} retry={() => void list.refetch()} />;
  return (
    <div className="flex flex-col gap-3">
      <Filters filter={filter} change={change} />
      <div className="flex h-8 items-center justify-between gap-3">
        <span className="flex items-center gap-3">
          <span className="text-13 text-muted tabular-nums" role="status">
            {total === undefined ? "Counting" : total === 1 ? "1 person" : `${total.toLocaleString("en")} people`}
          </span>
          <LiveIndicator />
        </span>
        <NewRows count={list.waiting} show={list.show} />
      </div>
      <DataTable
        caption="Members and staff"
        columns={columns}
        rows={list.rows}
        rowKey={(user) => user.id}
        sort={filter.sort ?? "-created_at"}
        onSort={(sort) => setParams({ sort, cursor: "" })}
        empty={
          <EmptyState
            scene="people"
            title={filtered ? "Nobody fits" : "Nobody here yet"}
            action={
              filtered ? (
                <Button variant="secondary" onClick={() => change({ search: "", status: "", role: "" })}>
                  Show everybody
                </Button>
              ) : undefined
            }
          >
            {filtered ? "Another word or fewer filters may help." : "Who signs up appears here by itself."}
          </EmptyState>
        }
      />
      {filter.cursor || next ? (
        <nav aria-label="Pages" className="flex justify-end gap-2">
          {filter.cursor ? (
            <Button variant="secondary" size="sm" onClick={() => setParams({ cursor: "" }, "push")}>
              <ArrowLeftToLine aria-hidden />
              First
            </Button>
          ) : null}
          <Button variant="secondary" size="sm" disabled={!next} onClick={() => setParams({ cursor: next ?? "" }, "push")}>
            Next
            <ArrowRight aria-hidden />
          </Button>
        </nav>
      ) : null}
    </div>
  );
}

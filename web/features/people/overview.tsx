"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { ErrorState } from "@/components/error-state";
import { LiveIndicator } from "@/components/live-indicator";
import { Person } from "@/components/person";
import { RelativeTime } from "@/components/relative-time";
import { Stat } from "@/components/stat";
import { Skeleton } from "@/components/ui/skeleton";
import type { Schema } from "@/lib/api/client";
import { keys } from "@/lib/query-keys";
import { sinceOf } from "@/lib/realtime/cursor";
import { useLiveQuery } from "@/lib/realtime/use-live";
import { useLivePages } from "@/lib/use-live-pages";
import { totalsOptions, usersOptions, type User } from "./api";
import { usePresence } from "./use-presence";

const SHOWN = 8;

/** How many there are and how many are here, live. */
export function PeopleFigures() {
  const client = useQueryClient();
  const { data } = useQuery(totalsOptions());
  useLiveQuery(
    "totals",
    [
      { schema: "identity", table: "presence" },
      { schema: "identity", table: "users" },
    ],
    () => client.invalidateQueries({ queryKey: keys.users.totals() }),
    sinceOf(data),
  );
  const blank = <Skeleton className="h-10 w-16" />;
  return (
    <>
      <Stat label="People" value={data ? data.people.toLocaleString("en") : blank}>
        <Link href="/admin/users" className="text-primary underline-offset-4 hover:underline">
          All members
        </Link>
      </Stat>
      <Stat label="Online now" value={data ? data.online.toLocaleString("en") : blank}>
        <LiveIndicator />
      </Stat>
    </>
  );
}

/** Who joined last, and whether they are here. */
export function Newest() {
  const list = useLivePages<User, Schema["PeopleView"]>(usersOptions({}));
  usePresence("newest", (presence) => {
    if (!presence) {
      list.refresh();
      return;
    }
    list.patch(presence.id, (user) => ({ ...user, online: presence.online, away: presence.away, last_seen_at: presence.lastSeenAt ?? user.last_seen_at ?? null }));
  }, list.since);
  if (list.isError && !list.rows) return <ErrorState error={list.error} retry={() => void list.refetch()} />;
  return (
    <section aria-label="Newest members" className="flex min-w-0 flex-col">
      <div className="flex h-10 items-center justify-between gap-3 border-b border-border">
        <h2 className="text-14 font-semibold">Newest members</h2>
        {list.waiting ? (
          <button type="button" className="text-13 font-medium text-accent-ink" onClick={list.show}>
            {list.waiting} new
          </button>
        ) : null}
      </div>
      <ul aria-busy={!list.rows}>
        {list.rows?.slice(0, SHOWN).map((user) => (
          <li key={user.id} className="py-2">
            <Link href={`/admin/users/${user.id}`} className="flex items-center justify-between gap-3 rounded-control">
              <Person id={user.id} name={user.name} picture={user.picture} online={user.online} />
              <RelativeTime at={user.created_at} className="text-13 whitespace-nowrap text-muted" />
            </Link>
          </li>
        ))}
        {list.rows ? null : (
          <li className="py-2">
            <Skeleton className="h-40" />
          </li>
        )}
      </ul>
    </section>
  );
}

"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { ErrorState } from "@/components/error-state";
import { LiveIndicator } from "@/components/live-indicator";
import { Person } from "@/components/person";
import { Stat } from "@/components/stat";
import { Skeleton } from "@/components/ui/skeleton";
import type { Schema } from "@/lib/api/client";
import { keys } from "@/lib/query-keys";
import { roleTitle } from "@/lib/roles";
import { hereOptions } from "./api";
import { usePresence } from "./use-presence";

const SHOWN = 8;

/** Who is here now, live: the latest seen, of whom some are online. */
export function useHere() {
  const client = useQueryClient();
  const query = useQuery(hereOptions());
  usePresence("here", (presence) => {
    const known = presence && client.getQueryData<Schema["UserPage"]>(keys.users.here())?.items.some((u) => u.id === presence.id);
    // Somebody who is not among the latest seen has just come: the list itself changes.
    if (!presence || !known) return void client.invalidateQueries({ queryKey: keys.users.here() });
    client.setQueryData<Schema["UserPage"]>(
      keys.users.here(),
      (old) =>
        old && { ...old, items: old.items.map((u) => (u.id === presence.id ? { ...u, online: presence.online, last_seen_at: presence.lastSeenAt ?? u.last_seen_at } : u)) },
    );
  });
  const online = query.data?.items.filter((u) => u.online) ?? [];
  // The page is as long as the server allows; beyond it the number is a floor, and says so.
  const more = Boolean(query.data?.next_cursor) && online.length === query.data?.items.length;
  return { ...query, online, count: `${online.length}${more ? "+" : ""}` };
}

export function PeopleFigures() {
  const { data, count } = useHere();
  return (
    <>
      <Stat label="People" value={data ? data.total.toLocaleString("en") : <Skeleton className="h-10 w-16" />}>
        <Link href="/admin/users" className="text-primary underline-offset-4 hover:underline">
          All members
        </Link>
      </Stat>
      <Stat label="Online now" value={data ? count : <Skeleton className="h-10 w-16" />}>
        <LiveIndicator />
      </Stat>
    </>
  );
}

export function HereNow() {
  const { data, online, isError, error, refetch } = useHere();
  if (isError && !data) return <ErrorState error={error} retry={() => void refetch()} />;
  return (
    <section aria-label="Here now" className="flex min-w-0 flex-col">
      <div className="flex h-10 items-center border-b border-border">
        <h2 className="text-14 font-semibold">Here now</h2>
      </div>
      <ul aria-busy={!data}>
        {online.slice(0, SHOWN).map((user) => (
          <li key={user.id} className="py-2">
            <Link href={`/admin/users/${user.id}`} className="block rounded-control">
              <Person id={user.id} name={user.name} detail={user.roles.map(roleTitle).join(", ")} online />
            </Link>
          </li>
        ))}
        {data && online.length === 0 ? <li className="py-3 text-muted">Nobody is here at the moment.</li> : null}
        {online.length > SHOWN ? <li className="py-2 text-13 text-muted">and {online.length - SHOWN} more</li> : null}
        {data ? null : <Skeleton className="my-2 h-40" />}
      </ul>
    </section>
  );
}

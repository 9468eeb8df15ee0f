"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowLeft } from "lucide-react";
import Link from "next/link";
import type { ReactNode } from "react";
import { ErrorState } from "@/components/error-state";
import { LiveIndicator } from "@/components/live-indicator";
import { RelativeTime } from "@/components/relative-time";
import { Avatar } from "@/components/ui/avatar";
import { Skeleton } from "@/components/ui/skeleton";
import { keys } from "@/lib/query-keys";
import { roleTitle } from "@/lib/roles";
import { userOptions, type User } from "./api";
import { LastSeen } from "./last-seen";
import { Status } from "./status";
import { usePresence } from "./use-presence";

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="grid grid-cols-[8rem_minmax(0,1fr)] gap-4 border-b border-border py-3 last:border-b-0">
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </div>
  );
}

/** One person, as staff see them. */
export function UserDetail({ id }: { id: string }) {
  const client = useQueryClient();
  const { data: user, isError, error, refetch } = useQuery(userOptions(id));
  usePresence(`user-${id}`, (presence) => {
    if (!presence) return void client.invalidateQueries({ queryKey: keys.users.one(id) });
    if (presence.id !== id) return;
    client.setQueryData<User>(keys.users.one(id), (old) => old && { ...old, online: presence.online, away: presence.away, last_seen_at: presence.lastSeenAt ?? old.last_seen_at });
  });
  if (isError && !user) return <ErrorState error={error} retry={() => void refetch()} />;
  return (
    <div className="flex flex-col gap-8" aria-busy={!user}>
      <Link href="/admin/users" className="inline-flex items-center gap-2 self-start text-muted hover:text-ink">
        <ArrowLeft aria-hidden className="size-4" />
        Members
      </Link>
      {user ? (
        <>
          <div className="flex items-center gap-4">
            <Avatar id={user.id} name={user.name} picture={user.picture} size="lg" online={user.online} />
            <div className="min-w-0">
              <h1 className="text-26 font-semibold tracking-tight break-words">{user.name}</h1>
              <LiveIndicator />
            </div>
          </div>
          <dl className="border-y border-border">
            <Fact name="E-mail">{user.email}</Fact>
            <Fact name="Status">
              <Status status={user.status} />
            </Fact>
            <Fact name="Roles">{user.roles.map(roleTitle).join(", ") || "None"}</Fact>
            <Fact name="Last seen">
              <LastSeen user={user} />
            </Fact>
            <Fact name="Joined">
              <RelativeTime at={user.created_at} />
            </Fact>
            <Fact name="Id">
              <span className="font-mono text-12 text-muted">{user.id}</span>
            </Fact>
          </dl>
        </>
      ) : (
        <Skeleton className="h-64" />
      )}
    </div>
  );
}

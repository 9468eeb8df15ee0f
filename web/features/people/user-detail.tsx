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
import { can } from "@/lib/permissions";
import { keys } from "@/lib/query-keys";
import { sinceOf } from "@/lib/realtime/cursor";
import { useLiveQuery } from "@/lib/realtime/use-live";
import { userOptions } from "./api";
import { LastSeen } from "./last-seen";
import { PersonActions } from "./person-actions";
import type { Detail } from "./person-api";
import { PersonDevices } from "./person-devices";
import { PersonNotes } from "./person-notes";
import { PersonRoles } from "./person-roles";
import { PersonTimeline } from "./person-timeline";
import { Status } from "./status";
import { ViewAs } from "./view-as";

interface Me {
  id: string;
  permissions: readonly string[];
  acting?: unknown;
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="grid grid-cols-[8rem_minmax(0,1fr)] gap-4 border-b border-border py-2.5 last:border-b-0">
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </div>
  );
}

/** Why the account cannot be used, said before anything else. */
function Closed({ user }: { user: Detail }) {
  if (user.status === "suspended")
    return (
      <p className="rounded-card bg-danger/10 px-4 py-3 text-danger">
        Suspended {user.suspended_at ? <RelativeTime at={user.suspended_at} /> : null}
        {user.suspended_reason ? `: ${user.suspended_reason}` : "."}
      </p>
    );
  if (user.status === "deleted")
    return (
      <p className="rounded-card bg-raised px-4 py-3">
        In the trash{user.deleted_at ? " since " : ""}
        {user.deleted_at ? <RelativeTime at={user.deleted_at} /> : null}. {user.erased_after ? <>What names them is erased <RelativeTime at={user.erased_after} />.</> : null}
      </p>
    );
  return null;
}

function Facts({ user }: { user: Detail }) {
  return (
    <dl className="border-y border-border">
      <Fact name="E-mail">
        {user.email} <span className="text-13 text-muted">{user.email_verified_at ? "proved" : "not proved yet"}</span>
      </Fact>
      {user.display_name === user.name ? null : <Fact name="Called">{user.display_name}</Fact>}
      <Fact name="Last seen">
        <LastSeen user={user} />
      </Fact>
      <Fact name="Joined">
        <RelativeTime at={user.created_at} />
      </Fact>
      <Fact name="Second factor">{user.second_factor ? "Set up" : "None"}</Fact>
      <Fact name="Time zone">{user.time_zone}</Fact>
      <Fact name="Id">
        <span className="font-mono text-12 text-muted">{user.id}</span>
      </Fact>
    </dl>
  );
}

/** One person, as staff see them and mind them. */
export function UserDetail({ id, me, aside, held }: { id: string; me: Me; aside?: ReactNode; held?: ReactNode }) {
  const client = useQueryClient();
  const { data: user, isError, error, refetch } = useQuery(userOptions(id));
  useLiveQuery(
    `user-${id}`,
    [
      { schema: "identity", table: "presence", filter: `user_id=eq.${id}` },
      { schema: "identity", table: "users", filter: `id=eq.${id}` },
      { schema: "identity", table: "profiles", filter: `user_id=eq.${id}` },
      { schema: "identity", table: "impersonations", filter: `user_id=eq.${id}` },
    ],
    () => client.invalidateQueries({ queryKey: keys.users.one(id) }),
    sinceOf(user),
  );
  if (isError && !user) return <ErrorState error={error} retry={() => void refetch()} />;
  const acts = Boolean(user?.actionable) && can(me, "users.write");
  return (
    <div className="flex flex-col gap-8" aria-busy={!user}>
      <Link href="/admin/users" className="inline-flex items-center gap-2 self-start text-muted hover:text-ink">
        <ArrowLeft aria-hidden className="size-4" />
        Members
      </Link>
      {user ? (
        <>
          <div className="flex flex-wrap items-center justify-between gap-4">
            <div className="flex min-w-0 items-center gap-4">
              <Avatar id={user.id} name={user.name} picture={user.picture} size="lg" online={user.online} />
              <div className="flex min-w-0 flex-col gap-1">
                <h1 className="text-26 font-semibold tracking-tight break-words">{user.name}</h1>
                <span className="flex items-center gap-3">
                  <Status status={user.status} />
                  <LiveIndicator />
                </span>
              </div>
            </div>
            <div className="flex flex-wrap items-center gap-2">
              {aside}
              {user.impersonation ? <ViewAs user={user} terms={user.impersonation} /> : null}
              {acts ? <PersonActions user={user} /> : null}
            </div>
          </div>
          <Closed user={user} />
          <div className="grid gap-10 md:grid-cols-[minmax(0,1fr)_20rem]">
            <div className="flex min-w-0 flex-col gap-10">
              <Facts user={user} />
              <PersonTimeline id={id} />
            </div>
            <div className="flex min-w-0 flex-col gap-10">
              <PersonRoles user={user} mayChange={user.actionable && can(me, "roles.write")} />
              {held}
              {can(me, "users.write") ? <PersonDevices id={id} mayEnd={acts} /> : null}
              {can(me, "users.write") ? <PersonNotes id={id} /> : null}
            </div>
          </div>
        </>
      ) : (
        <Skeleton className="h-64" />
      )}
    </div>
  );
}

"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { MonitorSmartphone } from "lucide-react";
import { ErrorState } from "@/components/error-state";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { personSessionsOptions, signOutDevice } from "./person-api";

/** Where somebody is signed in, and the way to end it there. */
export function PersonDevices({ id, mayEnd }: { id: string; mayEnd: boolean }) {
  const client = useQueryClient();
  const { data, isError, error, refetch } = useQuery(personSessionsOptions(id));
  const end = useMutation({
    mutationFn: (session: string) => signOutDevice(id, session),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.users.one(id) });
      toast("That device is signed out.");
    },
    onError: (failed) => toast(failed.message, { tone: "error" }),
  });
  if (isError && !data) return <ErrorState error={error} retry={() => void refetch()} />;
  return (
    <section aria-label="Devices" className="flex flex-col gap-3">
      <h2 className="text-14 font-semibold">Devices</h2>
      <ul aria-busy={!data} className="border-y border-border">
        {data?.items.map((session) => (
          <li key={session.id} data-row={session.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-border py-2.5 last:border-b-0">
            <MonitorSmartphone aria-hidden className="size-4 shrink-0 text-muted" />
            <span className="flex min-w-0 grow flex-col">
              <span className="break-words">{session.device}</span>
              <span className="text-13 text-muted">
                <RelativeTime at={session.last_seen_at} /> <span className="font-mono text-12">{session.ip}</span>
              </span>
            </span>
            {mayEnd ? (
              <Button variant="ghost" size="sm" busy={end.isPending && end.variables === session.id} onClick={() => end.mutate(session.id)}>
                Sign out
              </Button>
            ) : null}
          </li>
        ))}
        {data?.items.length === 0 ? <li className="py-2.5 text-muted">Not signed in anywhere.</li> : null}
        {data ? null : (
          <li className="py-2.5">
            <Skeleton className="h-9" />
          </li>
        )}
      </ul>
    </section>
  );
}

"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { MonitorSmartphone } from "lucide-react";
import { useState } from "react";
import { ErrorState } from "@/components/error-state";
import { RelativeTime } from "@/components/relative-time";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import type { Schema } from "@/lib/api/client";
import { keys } from "@/lib/query-keys";
import { endOthers, endSession, sessionsOptions } from "./api";

function Device({ session }: { session: Schema["SessionView"] }) {
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: () => endSession(session.id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.sessions() });
      toast(`${session.device} is signed out.`);
    },
    onError: () => toast("It is still signed in: the server could not be reached.", { tone: "error" }),
  });
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-border py-4 last:border-b-0" data-row={session.id}>
      <MonitorSmartphone aria-hidden className="size-5 shrink-0 text-muted" />
      <span className="flex min-w-0 grow basis-[calc(100%-2.25rem)] flex-col sm:basis-0">
        <span className="flex flex-wrap items-center gap-2 font-medium">
          {session.device}
          {session.current ? <Badge tone="primary">This device</Badge> : null}
        </span>
        <span className="text-13 text-muted">
          Last seen <RelativeTime at={session.last_seen_at} />
          {session.ip ? (
            <>
              {session.current ? " from " : session.same_network ? " in the network that you are in now, " : " in another network, "}
              <span className="font-mono text-12">{session.ip}</span>
            </>
          ) : null}
        </span>
      </span>
      {session.current ? null : (
        <Button variant="secondary" size="sm" className="max-sm:ml-9" busy={end.isPending} onClick={() => end.mutate()}>
          Sign out
        </Button>
      )}
    </li>
  );
}

/** Where this account is signed in, and the way to end it there. */
export function Devices() {
  const client = useQueryClient();
  const { data, isError, error, refetch } = useQuery(sessionsOptions());
  const [asking, setAsking] = useState(false);
  const others = useMutation({
    mutationFn: endOthers,
    onSuccess: async () => {
      setAsking(false);
      await client.invalidateQueries({ queryKey: keys.sessions() });
      toast("Every other device is signed out.");
    },
    onError: () => toast("Nothing was signed out: the server could not be reached.", { tone: "error" }),
  });
  if (isError && !data) return <ErrorState error={error} retry={() => void refetch()} />;
  const count = data?.items.filter((s) => !s.current).length ?? 0;
  return (
    <div className="flex flex-col gap-4">
      <ul aria-busy={!data} className="border-y border-border">
        {data
          ? data.items.map((session) => <Device key={session.id} session={session} />)
          : [0, 1].map((n) => (
              <li key={n} className="py-4">
                <Skeleton className="h-10" />
              </li>
            ))}
      </ul>
      {count > 0 ? (
        <Button variant="secondary" className="self-start" onClick={() => setAsking(true)}>
          Sign out {count === 1 ? "the other device" : `the ${count} others`}
        </Button>
      ) : null}
      <Dialog
        open={asking}
        onOpenChange={setAsking}
        title="Sign out everywhere else?"
        description={`${count === 1 ? "One device is" : `${count} devices are`} signed out at once. This one stays signed in.`}
        footer={
          <>
            <Button variant="ghost" onClick={() => setAsking(false)}>
              Keep them
            </Button>
            <Button variant="danger" busy={others.isPending} onClick={() => others.mutate()}>
              Sign out
            </Button>
          </>
        }
      />
    </div>
  );
}

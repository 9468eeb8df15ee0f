"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Progress } from "@/components/ui/progress";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { bulkOptions, refusalsOptions, undoBulk, type BulkAction, type Run } from "./bulk-api";
import { BULK } from "./person-acts";

function Refusals({ run }: { run: string }) {
  const { data } = useQuery(refusalsOptions(run));
  if (!data) return <Skeleton className="h-24" />;
  return (
    <ul className="max-h-80 overflow-auto border-y border-border">
      {data.items.map((one) => (
        <li key={one.id} className="flex flex-col border-b border-border py-2 last:border-b-0">
          <span className="font-medium break-words">{one.name}</span>
          <span className="text-13 text-muted">{one.detail ?? one.code}</span>
        </li>
      ))}
      {data.next_cursor ? <li className="py-2 text-13 text-muted">And more.</li> : null}
    </ul>
  );
}

const outcome = (run: Run) => `${run.done.toLocaleString("en")} ${BULK[run.action as BulkAction].done}`;

/** How far an act on many has come; it goes on when the page is left. */
export function BulkProgress({ run: id, follow, dismiss }: { run: string; follow: (run: string) => void; dismiss: () => void }) {
  const client = useQueryClient();
  const [reading, setReading] = useState(false);
  const { data: run, isError } = useQuery({ ...bulkOptions(id), refetchInterval: (query) => (query.state.data?.finished_at ? false : 500) });
  const back = useMutation({ mutationFn: () => undoBulk(id), onSuccess: (next) => follow(next.id), onError: (error) => toast(error.message, { tone: "error" }) });
  const over = Boolean(run?.finished_at);
  useEffect(() => {
    if (over) void client.invalidateQueries({ queryKey: keys.users.all(), predicate: (query) => query.queryKey[1] !== "bulk" });
  }, [over, client]);
  if (isError) return null;
  if (!run) return <Skeleton className="h-12" />;
  const through = run.done + run.refused;
  return (
    <section aria-label="Progress" className="flex flex-wrap items-center gap-3 rounded-card border border-border bg-raised px-4 py-2.5">
      <span role="status" className="tabular-nums">
        {over ? outcome(run) : `${BULK[run.action as BulkAction].verb}: ${through.toLocaleString("en")} of ${run.total.toLocaleString("en")}`}
      </span>
      {over ? null : <Progress value={through} max={run.total} label="Done so far" className="grow basis-40" />}
      {run.refused ? (
        <Button variant="link" size="sm" className="px-0" onClick={() => setReading(true)}>
          {run.refused.toLocaleString("en")} passed over
        </Button>
      ) : null}
      {over ? (
        <span className="ml-auto flex gap-2">
          {run.undoable ? (
            <Button variant="secondary" size="sm" busy={back.isPending} onClick={() => back.mutate()}>
              Undo
            </Button>
          ) : null}
          <Button variant="ghost" size="sm" onClick={dismiss}>
            Close
          </Button>
        </span>
      ) : null}
      <Dialog open={reading} onOpenChange={setReading} title="Passed over" description="Nothing was changed for these people.">
        {reading ? <Refusals run={id} /> : null}
      </Dialog>
    </section>
  );
}

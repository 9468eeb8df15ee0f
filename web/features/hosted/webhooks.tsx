"use client";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { DataTable, type Column } from "@/components/data-table";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { More } from "@/components/more";
import { RelativeTime } from "@/components/relative-time";
import { Section } from "@/components/section";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Select } from "@/components/ui/select";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { useUrlState } from "@/lib/use-url-state";
import { eventsOptions, retryEvent, type HostedEvent } from "./api";

const states: Record<string, { words: string; tone: "success" | "neutral" | "warning" | "danger" }> = {
  applied: { words: "Applied", tone: "success" },
  waiting: { words: "Waiting", tone: "warning" },
  ignored: { words: "Not needed", tone: "neutral" },
  failed: { words: "Failed", tone: "danger" },
};

function Again({ event }: { event: HostedEvent }) {
  const client = useQueryClient();
  const retry = useMutation({
    mutationFn: () => retryEvent(event.id),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.hosted.all() });
      toast("It is tried again.");
    },
    onError: (error) => toast(error.message, { tone: "error" }),
  });
  return (
    <Button variant="secondary" size="sm" busy={retry.isPending} onClick={() => retry.mutate()}>
      <RotateCw aria-hidden />
      Retry
    </Button>
  );
}

function State({ event }: { event: HostedEvent }) {
  const { words, tone } = states[event.state] ?? { words: event.state, tone: "neutral" as const };
  return <Badge tone={tone}>{event.state === "waiting" && event.attempts ? `Waiting, tried ${event.attempts} times` : words}</Badge>;
}

/** What the project told, the latest first, and what became of it. */
export function Webhooks({ mayManage, failed }: { mayManage: boolean; failed: number }) {
  const [url, set] = useUrlState();
  const state = url.get("webhooks") ?? "";
  const list = useInfiniteQuery({ ...eventsOptions(state), refetchInterval: 15_000 });
  const columns: readonly Column<HostedEvent>[] = [
    {
      key: "kind",
      header: "What it told",
      className: "w-full max-w-0 min-w-40",
      cell: (event) => (
        <span className="flex min-w-0 flex-col">
          <span className="truncate font-mono text-13">{event.kind}</span>
          {event.problem ? (
            <span className="truncate text-13 text-danger" title={event.problem}>
              {event.problem}
            </span>
          ) : (
            <span className="truncate font-mono text-12 text-muted">{event.about ?? event.id}</span>
          )}
        </span>
      ),
    },
    { key: "state", header: "State", cell: (event) => <State event={event} /> },
    { key: "received", header: "Came", wide: true, className: "whitespace-nowrap text-muted", cell: (event) => <RelativeTime at={event.received_at} /> },
    ...(mayManage && failed ? [{ key: "again", header: "Again", className: "text-right", cell: (event: HostedEvent) => (event.state === "failed" ? <Again event={event} /> : null) }] : []),
  ];
  const filter = (
    <Select aria-label="Which webhooks" value={state} onChange={(e) => set({ webhooks: e.target.value })}>
      <option value="">All</option>
      {Object.entries(states).map(([key, { words }]) => (
        <option key={key} value={key}>
          {words}
        </option>
      ))}
    </Select>
  );
  return (
    <Section title="Webhooks" action={filter} lead="What it told says only about whom to ask, so late and repeated ones do no harm.">
      {list.isError && !list.data ? (
        <ErrorState error={list.error} retry={() => void list.refetch()} />
      ) : (
        <DataTable
          caption="Webhooks"
          columns={columns}
          rows={list.data?.pages.flatMap((page) => page.items)}
          rowKey={(event) => event.id}
          empty={
            <EmptyState scene="quiet" title={state ? "None like that" : "None came yet"}>
              {state ? "Look at all of them instead." : "Add the address above as an endpoint of the project's webhooks."}
            </EmptyState>
          }
        />
      )}
      <More list={list}>Show more</More>
    </Section>
  );
}

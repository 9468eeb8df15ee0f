"use client";
import { useInfiniteQuery } from "@tanstack/react-query";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { More } from "@/components/more";
import { RelativeTime } from "@/components/relative-time";
import { Skeleton } from "@/components/ui/skeleton";
import { cn } from "@/lib/cn";
import { detail, inWords } from "@/lib/happenings";
import { timelineOptions, type Happening } from "./person-api";
import { useRoleTitle } from "./roles-api";

const ALARMING = new Set(["sign_in_failed", "locked_out", "token_reused", "second_factor_failed", "suspended", "deleted"]);

function Row({ one, title }: { one: Happening; title: (name: string) => string }) {
  const more = detail(one.kind, one.data, title);
  return (
    <li className="relative flex flex-col gap-0.5 border-l border-border pb-4 pl-5 last:pb-0">
      <span aria-hidden className={cn("absolute top-1.5 -left-[4.5px] size-2 rounded-full ring-3 ring-surface", ALARMING.has(one.kind) ? "bg-danger" : "bg-control")} />
      <span className="flex flex-wrap items-baseline gap-x-2">
        <span>{inWords(one.kind)}</span>
        <RelativeTime at={one.at} className="text-13 text-muted" />
      </span>
      {more ? <span className="break-words text-muted">{more}</span> : null}
      {one.actor || one.device || one.address ? (
        <span className="text-13 break-words text-muted">
          {one.actor ? `by ${one.actor.name}` : null}
          {one.device ? `${one.actor ? ", " : ""}${one.device}` : null} {one.address ? <span className="font-mono text-12">{one.address}</span> : null}
        </span>
      ) : null}
    </li>
  );
}

/** What happened to somebody's account, the latest first. */
export function PersonTimeline({ id }: { id: string }) {
  const title = useRoleTitle();
  const list = useInfiniteQuery(timelineOptions(id));
  if (list.isError && !list.data) return <ErrorState error={list.error} retry={() => void list.refetch()} />;
  const rows = list.data?.pages.flatMap((page) => page.items);
  return (
    <section aria-label="Timeline" className="flex min-w-0 flex-col gap-4">
      <h2 className="text-14 font-semibold">Timeline</h2>
      {rows?.length === 0 ? (
        <EmptyState scene="quiet" title="Nothing has happened yet">
          Sign-ins and what staff do about this account appear here.
        </EmptyState>
      ) : (
        <ol aria-busy={!rows} className="ml-1">
          {rows ? rows.map((one) => <Row key={one.id} one={one} title={title} />) : <Skeleton className="h-40" />}
        </ol>
      )}
      <More list={list} size="sm" className="self-start">Earlier</More>
    </section>
  );
}

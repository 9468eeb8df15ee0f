"use client";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Eye, PencilLine } from "lucide-react";
import { ErrorState } from "@/components/error-state";
import { More } from "@/components/more";
import { RelativeTime } from "@/components/relative-time";
import { Badge } from "@/components/ui/badge";
import { Skeleton } from "@/components/ui/skeleton";
import type { Schema } from "@/lib/api/client";
import { keys } from "@/lib/query-keys";
import { sinceOf } from "@/lib/realtime/cursor";
import { useLiveQuery } from "@/lib/realtime/use-live";
import { lasting } from "@/lib/time";
import { impersonationsOptions } from "./api";

function Row({ one }: { one: Schema["ImpersonationView"] }) {
  const Icon = one.mode === "write" ? PencilLine : Eye;
  return (
    <li className="flex items-start gap-4 border-b border-border py-4 last:border-b-0" data-row={one.id}>
      <Icon aria-hidden className="mt-0.5 size-5 shrink-0 text-muted" />
      <span className="flex min-w-0 grow flex-col">
        <span className="flex flex-wrap items-center gap-2 font-medium break-words">
          {one.by.name}
          {one.open ? <Badge tone="accent">Now</Badge> : null}
        </span>
        <span className="text-13 text-muted">
          <RelativeTime at={one.started_at} />, {one.open ? "until " : "for "}
          {one.open ? <RelativeTime at={one.until} /> : lasting(one.started_at, one.until)}. {one.mode === "write" ? "They could do things for you." : "They could only look."}
        </span>
        {one.reason ? <span className="text-13 break-words text-muted">{one.reason}</span> : null}
      </span>
    </li>
  );
}

/** Who of the staff looked at this place as whoever is signed in, live. */
export function StaffInPlace({ userId }: { userId: string }) {
  const client = useQueryClient();
  const list = useInfiniteQuery(impersonationsOptions());
  useLiveQuery(
    `in-place-${userId}`,
    { schema: "identity", table: "impersonations", filter: `user_id=eq.${userId}` },
    () => client.invalidateQueries({ queryKey: keys.impersonations() }),
    sinceOf(list.data?.pages[0]),
  );
  if (list.isError && !list.data) return <ErrorState error={list.error} retry={() => void list.refetch()} />;
  const rows = list.data?.pages.flatMap((page) => page.items);
  if (rows?.length === 0) return <p className="text-14 text-muted">Nobody has.</p>;
  return (
    <div className="flex flex-col gap-4">
      <ul aria-busy={!rows} className="border-y border-border">
        {rows ? (
          rows.map((one) => <Row key={one.id} one={one} />)
        ) : (
          <li className="py-4">
            <Skeleton className="h-10" />
          </li>
        )}
      </ul>
      <More list={list} size="sm" className="self-start">Earlier</More>
    </div>
  );
}

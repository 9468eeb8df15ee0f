"use client";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { LiveIndicator } from "@/components/live-indicator";
import { NewRows } from "@/components/new-rows";
import { More } from "@/components/more";
import { Skeleton } from "@/components/ui/skeleton";
import type { PageOf } from "@/lib/pages";
import { useLive } from "@/lib/realtime/use-live";
import { useLivePages } from "@/lib/use-live-pages";
import { feedOptions, type FeedItem } from "./api";
import { FeedRow } from "./feed-row";

const asTime = (value: unknown): string | null => (typeof value === "string" ? value : null);

/** The member's updates, live. `title` names the list; it stands in the same line as what waits, so that nothing moves. */
export function FeedList({ userId, unread = false, title }: { userId: string; unread?: boolean; title: string }) {
  const feed = useLivePages<FeedItem, PageOf<FeedItem>>(feedOptions(unread));
  useLive(`feed-${userId}`, { schema: "updates", table: "recipients", filter: `user_id=eq.${userId}` }, (event) => {
    const record = event.kind === "change" && event.change.type === "UPDATE" ? event.change.record : null;
    if (!record || typeof record.update_id !== "string") {
      feed.refresh();
      return;
    }
    feed.patch(record.update_id, (row) => ({
      ...row,
      read_at: asTime(record.read_at),
      acknowledged_at: asTime(record.acknowledged_at),
    }));
  }, feed.since);
  return (
    <section aria-label={title}>
      <div className="flex h-10 items-center justify-between gap-3 border-b border-border px-2">
        <span className="flex items-center gap-3">
          <h2 className="text-14 font-semibold">{title}</h2>
          <LiveIndicator />
        </span>
        <NewRows count={feed.waiting} show={feed.show} />
      </div>
      {feed.isError && !feed.rows ? (
        <ErrorState error={feed.error} retry={() => void feed.refetch()} />
      ) : !feed.rows ? (
        <div aria-busy className="flex flex-col gap-6 px-2 py-4">
          {[0, 1, 2].map((n) => (
            <div key={n} className="flex flex-col gap-2">
              <Skeleton className="h-6 w-2/5" />
              <Skeleton className="h-5" />
              <Skeleton className="h-4 w-32" />
            </div>
          ))}
        </div>
      ) : feed.rows.length === 0 ? (
        <EmptyState scene={unread ? "quiet" : "letter"} title={unread ? "You have read everything" : "Nothing has been sent to you yet"}>
          {unread ? "What comes next appears here by itself." : "When somebody writes to you, it appears here by itself."}
        </EmptyState>
      ) : (
        <>
          <ul>
            {feed.rows.map((item) => (
              <FeedRow key={item.id} item={item} />
            ))}
          </ul>
          <More list={feed} className="mx-auto mt-4 flex">
            Earlier updates
          </More>
        </>
      )}
    </section>
  );
}

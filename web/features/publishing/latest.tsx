"use client";
import Link from "next/link";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { LiveIndicator } from "@/components/live-indicator";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import { Skeleton } from "@/components/ui/skeleton";
import type { Schema } from "@/lib/api/client";
import { useLivePages } from "@/lib/use-live-pages";
import { updatesOptions, type Update } from "./api";
import { audienceWords } from "./audience";
import { ReadProgress } from "./read-progress";
import { usePublished } from "./use-published";

/** The latest updates and how far they have come, for the overview. */
export function Latest({ canPublish }: { canPublish: boolean }) {
  const list = useLivePages<Update, Schema["Page_UpdateView"]>(updatesOptions());
  usePublished("overview-updates", null, list.refresh, list.since);
  if (list.isError && !list.rows) return <ErrorState error={list.error} retry={() => void list.refetch()} />;
  return (
    <section aria-label="Latest updates" className="flex min-w-0 flex-col">
      <div className="flex h-10 items-center justify-between gap-3 border-b border-border">
        <span className="flex items-center gap-3">
          <h2 className="text-14 font-semibold">Latest updates</h2>
          <LiveIndicator />
        </span>
        {list.waiting ? (
          <Button variant="ghost" size="sm" className="text-accent-ink" onClick={list.show}>
            {list.waiting} new
          </Button>
        ) : (
          <Link href="/admin/updates" className="text-13 text-primary underline-offset-4 hover:underline">
            All updates
          </Link>
        )}
      </div>
      {list.rows?.length === 0 ? (
        <EmptyState
          scene="letter"
          title="Nothing has been published"
          action={
            canPublish ? (
              <Button asChild>
                <Link href="/admin/updates/new">Write the first update</Link>
              </Button>
            ) : undefined
          }
        >
          The first update shows here who has read it.
        </EmptyState>
      ) : (
        <ul aria-busy={!list.rows}>
          {list.rows
            ? list.rows.slice(0, 6).map((update) => (
                <li key={update.id} className="grid grid-cols-[minmax(0,1fr)_8rem] items-center gap-4 border-b border-border py-3 last:border-b-0">
                  <Link href={`/admin/updates/${update.id}`} className="flex min-w-0 flex-col rounded-control">
                    <span className="truncate font-medium">{update.title}</span>
                    <span className="truncate text-13 text-muted">
                      {audienceWords(update.audience)}, <RelativeTime at={update.published_at} />
                    </span>
                  </Link>
                  <ReadProgress update={update} />
                </li>
              ))
            : [0, 1, 2].map((n) => (
                <li key={n} className="py-3">
                  <Skeleton className="h-10" />
                </li>
              ))}
        </ul>
      )}
    </section>
  );
}

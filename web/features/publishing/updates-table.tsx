"use client";
import Link from "next/link";
import { DataTable, type Column } from "@/components/data-table";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { LiveIndicator } from "@/components/live-indicator";
import { More } from "@/components/more";
import { NewRows } from "@/components/new-rows";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import type { Schema } from "@/lib/api/client";
import { useLivePages } from "@/lib/use-live-pages";
import { updatesOptions, type Update } from "./api";
import { audienceWords } from "./audience";
import { ReadProgress } from "./read-progress";
import { usePublished } from "./use-published";

const columns: readonly Column<Update>[] = [
  {
    key: "title",
    header: "Update",
    className: "w-full max-w-0 min-w-40",
    cell: (update) => (
      <Link href={`/admin/updates/${update.id}`} className="flex min-w-0 flex-col rounded-control">
        <span className="truncate font-medium">{update.title}</span>
        <span className="truncate text-13 text-muted">
          {update.author.name}, <RelativeTime at={update.published_at} />
        </span>
      </Link>
    ),
  },
  { key: "audience", header: "To", wide: true, className: "whitespace-nowrap text-muted", cell: (update) => audienceWords(update.audience) },
  { key: "read", header: "Read", cell: (update) => <ReadProgress update={update} /> },
  {
    key: "acknowledged",
    header: "Answered",
    wide: true,
    className: "whitespace-nowrap text-muted",
    cell: (update) => (update.action ? `${update.counts.acknowledged} of ${update.counts.recipients}` : "Not asked"),
  },
];

/** What has been published, with what became of it, live. */
export function UpdatesTable({ canPublish }: { canPublish: boolean }) {
  const list = useLivePages<Update, Schema["Page_UpdateView"]>(updatesOptions());
  usePublished("updates", null, list.refresh, list.since);
  if (list.isError && !list.rows) return <ErrorState error={list.error} retry={() => void list.refetch()} />;
  return (
    <div className="flex flex-col gap-3">
      <div className="flex h-8 items-center justify-between">
        <LiveIndicator />
        <NewRows count={list.waiting} show={list.show} />
      </div>
      <DataTable
        caption="Published updates"
        columns={columns}
        rows={list.rows}
        rowKey={(update) => update.id}
        empty={
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
            An update reaches the members it concerns at once, and shows here who has read it.
          </EmptyState>
        }
      />
      <More list={list}>Earlier updates</More>
    </div>
  );
}

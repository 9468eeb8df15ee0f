"use client";
import { Display, Stack } from "@ds/layout";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowLeft, CircleCheck } from "lucide-react";
import Link from "next/link";
import { useEffect, useEffectEvent } from "react";
import { ErrorState } from "@/components/error-state";
import { Prose } from "@/components/prose";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import type { Schema } from "@/lib/api/client";
import { keys } from "@/lib/query-keys";
import { useActing } from "@/lib/use-acting";
import { entryOptions, sendReceipt } from "./api";

function Acknowledge({ entry }: { entry: Schema["ReadingView"] }) {
  const client = useQueryClient();
  const action = useMutation({
    mutationFn: () => sendReceipt(entry.id, "acknowledged"),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.feed.all() }),
    onError: () => toast("This was not sent. Try again in a moment.", { tone: "error" }),
  });
  const acting = useActing();
  if (!entry.action) return null;
  const done = entry.acknowledged_at ?? (action.isSuccess ? new Date().toISOString() : null);
  return (
    <div className="flex min-h-20 flex-wrap items-center justify-between gap-3 border-y border-border py-4" data-slot="acknowledge">
      {done ? (
        <span className="inline-flex items-center gap-2 font-medium text-success">
          <CircleCheck aria-hidden className="size-5" />
          {entry.action.label}: you did this <RelativeTime at={done} />
        </span>
      ) : (
        <>
          <span className="text-muted">
            {entry.author.name} asks you for an answer.
            {acting?.mode === "read" ? " You are only looking, so you cannot give it for them." : null}
          </span>
          <Button size="lg" busy={action.isPending} disabled={acting?.mode === "read"} onClick={() => action.mutate()}>
            {entry.action.label}
          </Button>
        </>
      )}
    </div>
  );
}

/** An update as it is read. Opening it is reading it: the receipt is sent once the words are on the screen. */
export function Reading({ id }: { id: string }) {
  const client = useQueryClient();
  const { data: entry, error, isError, refetch } = useQuery(entryOptions(id));
  // Whoever looks in the reader's place has not read it for them.
  const acting = useActing();
  const unread = entry ? !entry.read_at && !acting : false;
  const markRead = useEffectEvent(async () => {
    try {
      await sendReceipt(id, "read");
      await client.invalidateQueries({ queryKey: keys.feed.all() });
    } catch {
      // It stays unread and is sent again the next time it is opened.
    }
  });
  useEffect(() => {
    if (unread) void markRead();
  }, [unread]);
  if (isError && !entry) return <ErrorState error={error} retry={() => void refetch()} />;
  return (
    <article className="flex flex-col gap-8" aria-busy={!entry}>
      <Link href="/updates" className="inline-flex items-center gap-2 self-start text-muted hover:text-ink">
        <ArrowLeft aria-hidden className="size-4" />
        All updates
      </Link>
      {entry ? (
        <>
          <Stack spacing="sm">
            <Display className="break-words">{entry.title}</Display>
            <span className="text-muted">
              {entry.author.name}, <RelativeTime at={entry.published_at} />
            </span>
          </Stack>
          <Prose text={entry.body} />
          <Acknowledge entry={entry} />
        </>
      ) : (
        <>
          <Skeleton className="h-12 w-3/4" />
          <Skeleton className="h-40" />
        </>
      )}
    </article>
  );
}

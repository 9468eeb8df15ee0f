"use client";
import { useLiveQuery } from "@/lib/realtime/use-live";

/** Reads again when updates or their receipts change: one update's, or anybody's. */
export function usePublished(topic: string, updateId: string | null, read: () => unknown, since: string | undefined): void {
  useLiveQuery(
    topic,
    updateId
      ? [
          { schema: "updates", table: "updates", filter: `id=eq.${updateId}` },
          { schema: "updates", table: "recipients", filter: `update_id=eq.${updateId}` },
        ]
      : { schema: "updates", table: "updates" },
    read,
    since,
  );
}

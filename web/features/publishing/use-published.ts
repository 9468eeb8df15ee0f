"use client";
import { useCallback, useEffect, useRef } from "react";
import { useLive } from "@/lib/realtime/use-live";

/** Calls back when updates or their receipts change; a burst of receipts asks the server once, not once for each reader. */
export function usePublished(topic: string, updateId: string | null, refresh: () => void): void {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const soon = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = setTimeout(refresh, 150);
  }, [refresh]);
  useLive(
    topic,
    updateId
      ? { schema: "updates", table: "recipients", filter: `update_id=eq.${updateId}` }
      : [
          { schema: "updates", table: "updates" },
          { schema: "updates", table: "recipients" },
        ],
    soon,
  );
}

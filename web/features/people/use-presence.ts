"use client";
import { useLive, type LiveEvent } from "@/lib/realtime/use-live";

export interface Presence {
  id: string;
  online: boolean;
  /** They have pages open and look at none of them. */
  away: boolean;
  lastSeenAt: string | null;
}

/** Calls back when somebody comes or goes, and with null when everything should be read again. `only` is the one person looked at. */
export function usePresence(topic: string, onPresence: (presence: Presence | null) => void, since: string | undefined, only?: string): void {
  useLive(
    topic,
    [
      { schema: "identity", table: "presence", ...(only ? { filter: `user_id=eq.${only}` } : {}) },
      { schema: "identity", table: "users", ...(only ? { filter: `id=eq.${only}` } : {}) },
    ],
    (event: LiveEvent) => {
      const record = event.kind === "change" && event.change.table === "presence" ? event.change.record : null;
      if (!record || typeof record.user_id !== "string") {
        onPresence(null);
        return;
      }
      const seen = record.last_seen_at;
      onPresence({ id: record.user_id, online: record.online === true, away: record.away === true, lastSeenAt: typeof seen === "string" ? seen : null });
    },
    since,
  );
}

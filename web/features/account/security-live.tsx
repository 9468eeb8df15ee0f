"use client";
import { useQueryClient } from "@tanstack/react-query";
import { LiveIndicator } from "@/components/live-indicator";
import { keys } from "@/lib/query-keys";
import { useLive } from "@/lib/realtime/use-live";

/** Keeps the security page true: what happens to the account's ways in and devices, wherever it is done, is read again at once. */
export function SecurityLive({ userId }: { userId: string }) {
  const client = useQueryClient();
  const own = `user_id=eq.${userId}`;
  useLive(
    `own-security-${userId}`,
    [
      { schema: "identity", table: "sessions", filter: own },
      { schema: "identity", table: "security_events", filter: own },
    ],
    (event) => {
      const read = (queryKey: readonly unknown[]) => void client.invalidateQueries({ queryKey });
      read(keys.sessions());
      if (event.kind === "change" && event.change.table === "sessions") return;
      read(keys.ownSecurity());
      read(keys.passkeys());
      read(keys.linked());
    },
  );
  return <LiveIndicator />;
}

"use client";
import { Paragraph } from "@ds/layout";
import { useQuery } from "@tanstack/react-query";
import { api } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";

/** How much waits to be read, in a sentence that stays true while the page is open. */
export function Waiting({ unread }: { unread: number }) {
  const { data } = useQuery({ queryKey: keys.me(), queryFn: () => unwrap(api.GET("/api/v1/me")) });
  const count = data?.unread ?? unread;
  return (
    <Paragraph size="lg" tone="muted" aria-live="polite">
      {count === 0 ? "You have read everything." : count === 1 ? "One update waits for you." : `${count} updates wait for you.`}
    </Paragraph>
  );
}

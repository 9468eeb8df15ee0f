"use client";
import { Paragraph } from "@ds/layout";
import { useQuery } from "@tanstack/react-query";
import { waitingOptions } from "@/lib/waiting";

/** How much waits to be read, in a sentence that stays true while the page is open. */
export function Waiting() {
  const { data } = useQuery(waitingOptions());
  const count = data?.unread;
  return (
    <Paragraph size="lg" tone="muted" aria-live="polite" minHeight={26}>
      {count === undefined ? null : count === 0 ? "You have read everything." : count === 1 ? "One update waits for you." : `${count} updates wait for you.`}
    </Paragraph>
  );
}

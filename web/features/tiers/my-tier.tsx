"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { RelativeTime } from "@/components/relative-time";
import { keys } from "@/lib/query-keys";
import { sinceOf } from "@/lib/realtime/cursor";
import { useLiveQuery } from "@/lib/realtime/use-live";
import { myMembershipOptions, opened } from "@/lib/tiers";

/** What the member has here: one quiet line block, absent for whoever holds no tier. It is live. */
export function MyTier({ userId }: { userId: string }) {
  const client = useQueryClient();
  const { data } = useQuery(myMembershipOptions());
  useLiveQuery("my-tier", { schema: "billing", table: "memberships", filter: `user_id=eq.${userId}` }, () => client.invalidateQueries({ queryKey: keys.tiers.membership("me") }), sinceOf(data));
  const held = data?.membership;
  if (!held) return null;
  return (
    <section aria-label="Your tier" className="flex flex-col gap-1 rounded-card bg-raised px-5 py-4">
      <p className="flex flex-wrap items-baseline justify-between gap-x-4">
        <span className="font-medium">{held.name}</span>
        <span className="text-13 text-muted">
          {held.until ? (
            <>
              {"Ends "}
              <RelativeTime at={held.until} />
            </>
          ) : (
            <>
              {"Given "}
              <RelativeTime at={held.since} />
            </>
          )}
        </span>
      </p>
      {held.description ? <p className="text-muted">{held.description}</p> : null}
      <p className="text-13 text-muted">{held.features.map((feature) => opened({ name: feature.name, amount: feature.amount ?? null })).join(" · ")}</p>
    </section>
  );
}

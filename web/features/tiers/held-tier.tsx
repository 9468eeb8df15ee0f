"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorState } from "@/components/error-state";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { sinceOf } from "@/lib/realtime/cursor";
import { useLiveQuery } from "@/lib/realtime/use-live";
import { opened } from "@/lib/tiers";
import { membershipOptions, revoke } from "./api";
import { GrantDialog } from "./grant-dialog";

/** Which tier somebody holds, live, and the way to give or take it; on the page of a person. */
export function HeldTier({ user, mayWrite }: { user: string; mayWrite: boolean }) {
  const client = useQueryClient();
  const [asked, setAsked] = useState<"give" | "take" | null>(null);
  const { data, isError, error, refetch } = useQuery(membershipOptions(user));
  useLiveQuery(`tier-${user}`, { schema: "billing", table: "memberships", filter: `user_id=eq.${user}` }, () => client.invalidateQueries({ queryKey: keys.tiers.membership(user) }), sinceOf(data));
  const take = useMutation({
    mutationFn: () => revoke(user),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.tiers.all() });
      setAsked(null);
      toast("The tier is taken away.");
    },
    onError: (failed) => toast(failed.message, { tone: "error" }),
  });
  if (isError && !data) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton className="h-20" />;
  const held = data.membership;
  return (
    <section aria-labelledby="tier" className="flex flex-col gap-3">
      <h2 id="tier" className="text-14 font-semibold">
        Tier
      </h2>
      {held ? (
        <div className="flex flex-col gap-1">
          <p>
            <span className="font-medium">{held.name}</span>
            <span className="text-muted">
              {", given "}
              <RelativeTime at={held.since} />
              {held.until ? (
                <>
                  {", ends "}
                  <RelativeTime at={held.until} />
                </>
              ) : null}
            </span>
          </p>
          <p className="text-13 text-muted">{held.features.map((feature) => opened({ name: feature.name, amount: feature.amount ?? null })).join(" · ")}</p>
          {held.reason ? <p className="text-13 text-muted">Given because: {held.reason}</p> : null}
        </div>
      ) : (
        <p className="text-muted">They hold no tier.</p>
      )}
      {mayWrite ? (
        <div className="flex flex-wrap gap-2">
          <Button variant="secondary" size="sm" onClick={() => setAsked("give")}>
            {held ? "Give another" : "Give a tier"}
          </Button>
          {held ? (
            <Button variant="ghost" size="sm" onClick={() => setAsked("take")}>
              Take it away
            </Button>
          ) : null}
        </div>
      ) : null}
      <GrantDialog user={user} held={held ?? null} open={asked === "give"} close={() => setAsked(null)} />
      <Dialog
        open={asked === "take"}
        onOpenChange={() => setAsked(null)}
        title={`Take ${held?.name ?? "the tier"} away?`}
        description="What it opens is closed to them at once. You can give it again."
        footer={
          <>
            <Button variant="ghost" onClick={() => setAsked(null)}>
              Keep it
            </Button>
            <Button variant="danger" busy={take.isPending} onClick={() => take.mutate()}>
              Take it away
            </Button>
          </>
        }
      />
    </section>
  );
}

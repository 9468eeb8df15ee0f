"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { useState } from "react";
import { ErrorState } from "@/components/error-state";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import { money } from "@/lib/money";
import { keys } from "@/lib/query-keys";
import { sinceOf } from "@/lib/realtime/cursor";
import { useLiveQuery } from "@/lib/realtime/use-live";
import { opened } from "@/lib/tiers";
import { endSubscription, membershipOptions, revoke } from "./api";
import { GrantDialog } from "./grant-dialog";

/** Which tier somebody holds, live, and the way to give or take it; on the page of a person. */
export function HeldTier({ user, mayWrite }: { user: string; mayWrite: boolean }) {
  const client = useQueryClient();
  const [asked, setAsked] = useState<"give" | "take" | "end" | null>(null);
  const { data, isError, error, refetch } = useQuery(membershipOptions(user));
  const tables = ["memberships", "subscriptions"].map((table) => ({ schema: "billing", table, filter: `user_id=eq.${user}` }));
  useLiveQuery(`tier-${user}`, tables, () => client.invalidateQueries({ queryKey: keys.tiers.membership(user) }), sinceOf(data));
  const take = useMutation({
    mutationFn: () => revoke(user),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.tiers.all() });
      setAsked(null);
      toast("The tier is taken away.");
    },
    onError: (failed) => toast(failed.message, { tone: "error" }),
  });
  const end = useMutation({
    mutationFn: () => endSubscription(user),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.tiers.all() });
      setAsked(null);
      toast("The subscription ends with what is paid for.");
    },
    onError: (failed) => toast(failed.message, { tone: "error" }),
  });
  if (isError && !data) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton className="h-20" />;
  const held = data.membership;
  const paid = data.subscription;
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
              {paid ? ", since " : ", given "}
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
      {paid ? (
        <p className="text-13 text-muted">
          {paid.amount && paid.currency ? `They pay ${money(paid.amount, paid.currency)} a ${paid.interval ?? "period"}` : "They have a subscription"}
          {paid.status === "active" || paid.status === "trialing" ? null : `, which is ${paid.status.replace("_", " ")}`}
          {paid.ends_at ? ", until it ends " : ", next "}
          <RelativeTime at={paid.ends_at ?? paid.period_ends_at ?? ""} />.
        </p>
      ) : null}
      <Link href={`/admin/payments?user=${user}`} className="self-start text-13 text-primary underline-offset-4 hover:underline">
        Their payments
      </Link>
      {mayWrite ? (
        <div className="flex flex-wrap gap-2">
          <Button variant="secondary" size="sm" onClick={() => setAsked("give")}>
            {held ? "Give another" : "Give a tier"}
          </Button>
          {held && !paid ? (
            <Button variant="ghost" size="sm" onClick={() => setAsked("take")}>
              Take it away
            </Button>
          ) : null}
          {paid && !paid.ends_at ? (
            <Button variant="ghost" size="sm" onClick={() => setAsked("end")}>
              End the subscription
            </Button>
          ) : null}
        </div>
      ) : null}
      <GrantDialog user={user} held={held ?? null} open={asked === "give"} close={() => setAsked(null)} />
      <Dialog
        open={asked === "end"}
        onOpenChange={() => setAsked(null)}
        title="End the subscription?"
        description="They keep what is paid for until its end, and nothing is charged after that."
        footer={
          <>
            <Button variant="ghost" onClick={() => setAsked(null)}>
              Let it run
            </Button>
            <Button variant="danger" busy={end.isPending} onClick={() => end.mutate()}>
              End it
            </Button>
          </>
        }
      />
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

"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, ExternalLink } from "lucide-react";
import { useState } from "react";
import { ErrorState } from "@/components/error-state";
import { Notice } from "@/components/notice";
import { Section } from "@/components/section";
import { Button } from "@/components/ui/button";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import { ApiError } from "@/lib/api/problem";
import { money } from "@/lib/money";
import { keys } from "@/lib/query-keys";
import { sinceOf } from "@/lib/realtime/cursor";
import { useLiveQuery } from "@/lib/realtime/use-live";
import { myMembershipOptions, opened, type Membership } from "@/lib/tiers";
import { absolute } from "@/lib/time";
import { checkOut, offersOptions, openPortal, type Offer, type Offers, type Price } from "./api";

type Subscription = NonNullable<Offers["subscription"]>;

const EVERY = { month: "a month", year: "a year" } as const;
const day = (at: string, zone: string) => absolute(at, zone).replace(/, [\d:]+$/, "");

/** Goes to a page of the payment provider; what stands in the way is said here. */
function useLeave(): [string | null, (key: string, ask: () => Promise<{ url: string }>) => void] {
  const [going, setGoing] = useState<string | null>(null);
  const go = (key: string, ask: () => Promise<{ url: string }>) => {
    setGoing(key);
    ask().then(
      ({ url }) => location.assign(url),
      (error: unknown) => {
        setGoing(null);
        toast(error instanceof ApiError ? error.message : "The payment page could not be opened. Try again.", { tone: "error" });
      },
    );
  };
  return [going, go];
}

/** What is paid, and what comes next. */
function Terms({ subscription, zone }: { subscription: Subscription; zone: string }) {
  const { amount, currency, interval, status, ends_at: ends, period_ends_at: renews } = subscription;
  const price = amount && currency ? `${money(amount, currency)} ${EVERY[interval as keyof typeof EVERY]}` : null;
  if (status === "past_due") return <Notice>The last payment did not come, and is tried again. Give another card so that your membership stays.</Notice>;
  if (status === "unpaid") return <Notice>The last payments did not come, so the subscription rests. Pay the open invoice or give another card.</Notice>;
  if (status === "paused") return <Notice>Your subscription rests. You can take it up again.</Notice>;
  const next = ends ? `It ends on ${day(ends, zone)}; nothing is charged after that.` : renews ? `The next payment is on ${day(renews, zone)}.` : null;
  return <p className="text-muted">{[price ? `You pay ${price}.` : null, next].filter(Boolean).join(" ")}</p>;
}

function Benefits({ of }: { of: readonly { key: string; name: string; amount?: number | null }[] }) {
  if (of.length === 0) return null;
  return (
    <ul className="flex flex-col gap-1.5">
      {of.map((feature) => (
        <li key={feature.key} className="flex items-start gap-2">
          <Check aria-hidden className="mt-1 size-4 shrink-0 text-success" />
          {opened({ name: feature.name, amount: feature.amount ?? null })}
        </li>
      ))}
    </ul>
  );
}

function Held({ held, subscription, zone, acting }: { held: Membership | null; subscription: Subscription | null; zone: string; acting: boolean }) {
  const [going, go] = useLeave();
  const manage =
    subscription && !acting ? (
      <Button variant="secondary" busy={going !== null} onClick={() => go("portal", openPortal)}>
        <ExternalLink aria-hidden />
        Card, plan, cancel
      </Button>
    ) : undefined;
  return (
    <Section title={held?.name ?? (subscription ? (subscription.name ?? "Your subscription") : "No membership yet")} lead={held?.description ?? (subscription ? undefined : "What you could have stands below.")} action={manage}>
      {subscription ? <Terms subscription={subscription} zone={zone} /> : null}
      {held && !subscription ? <p className="text-muted">{held.until ? `It was given to you until ${day(held.until, zone)}.` : "It was given to you."}</p> : null}
      {held ? <Benefits of={held.features} /> : null}
    </Section>
  );
}

function OfferCard({ offer, buy, going, acting }: { offer: Offer; buy: (price: Price) => void; going: string | null; acting: boolean }) {
  return (
    <li className="flex flex-col gap-4 rounded-card border border-border p-5 max-sm:p-4">
      <div className="flex flex-col gap-1">
        <h3 className="text-16 font-medium">{offer.name}</h3>
        {offer.description ? <p className="text-muted">{offer.description}</p> : null}
      </div>
      <Benefits of={offer.features} />
      <div className="mt-auto flex flex-col gap-2 pt-1">
        {offer.prices.map((price, n) => (
          <Button key={price.id} variant={n === 0 ? "primary" : "secondary"} className="w-full" aria-label={`Subscribe to ${offer.name} for ${money(price.amount, price.currency)} ${EVERY[price.interval]}`} busy={going === price.id} disabled={acting || (going !== null && going !== price.id)} onClick={() => buy(price)}>
            {money(price.amount, price.currency)} {EVERY[price.interval]}
          </Button>
        ))}
      </div>
    </li>
  );
}

/** What the member has, pays, and could have. All of it is live: whoever comes back from the payment page sees it arrive. */
export function MyMembership({ userId, zone, returned, acting, sandbox }: { userId: string; zone: string; returned: boolean; acting: boolean; sandbox: boolean }) {
  const client = useQueryClient();
  const [going, go] = useLeave();
  const offers = useQuery(offersOptions());
  const membership = useQuery(myMembershipOptions());
  const filter = `user_id=eq.${userId}`;
  useLiveQuery(
    "my-membership",
    [
      { schema: "billing", table: "memberships", filter },
      { schema: "billing", table: "subscriptions", filter },
    ],
    () => Promise.all([client.invalidateQueries({ queryKey: keys.payments.offers() }), client.invalidateQueries({ queryKey: keys.tiers.membership("me") })]),
    sinceOf(offers.data),
  );
  if (offers.isError && !offers.data) return <ErrorState error={offers.error} retry={() => void offers.refetch()} />;
  if (!offers.data || !membership.data) return <Skeleton className="h-40 w-full" />;
  const { subscription = null, items, on_sale: onSale } = offers.data;
  const held = membership.data.membership ?? null;
  const others = subscription ? [] : items;
  return (
    <>
      {returned ? (
        subscription ? (
          <Notice tone="success">{`Thank you. ${subscription.name ? `You are subscribed to ${subscription.name}.` : "You are subscribed."}`}</Notice>
        ) : (
          <Notice>Your payment is on its way. This page shows it as soon as it is confirmed; it is usually a matter of seconds.</Notice>
        )
      ) : null}
      <Held held={held} subscription={subscription} zone={zone} acting={acting} />
      {onSale && others.length > 0 ? (
        <Section title="Subscribe" lead={sandbox ? "Payments are practised here: no money moves, and the payment page names the cards that work." : "You pay on a page of our payment provider; cancel whenever you like."}>
          <ul className="grid gap-4 sm:grid-cols-2">
            {others.map((offer) => (
              <OfferCard key={offer.key} offer={offer} buy={(price) => go(price.id, () => checkOut(price.id))} going={going} acting={acting} />
            ))}
          </ul>
        </Section>
      ) : null}
    </>
  );
}

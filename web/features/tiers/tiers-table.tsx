"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Plus } from "lucide-react";
import { useState } from "react";
import { DataTable, type Column } from "@/components/data-table";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { PageHeader } from "@/components/page-header";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { money } from "@/lib/money";
import { keys } from "@/lib/query-keys";
import { sinceOf } from "@/lib/realtime/cursor";
import { useLiveQuery } from "@/lib/realtime/use-live";
import { opened, tiersOptions, type Tier } from "@/lib/tiers";
import { featuresOptions } from "./api";
import { TierDialog } from "./tier-dialog";

/** "€24.00 a month or €240.00 a year". */
const priceOf = (tier: Tier): string => tier.prices.map((price) => `${money(price.amount, price.currency)} a ${price.interval}`).join(" or ") || "Not sold";

/** Tiers with what they open and how many hold them. The counts are live. */
export function TiersTable({ mayWrite }: { mayWrite: boolean }) {
  const client = useQueryClient();
  const [edited, setEdited] = useState<Tier | "new" | null>(null);
  const { data, isError, error, refetch } = useQuery(tiersOptions());
  const { data: features } = useQuery(featuresOptions());
  useLiveQuery("tiers", { schema: "billing", table: "tiers" }, () => client.invalidateQueries({ queryKey: keys.tiers.all() }), sinceOf(data));
  if (isError && !data) return <ErrorState error={error} retry={() => void refetch()} />;
  const nameOf = (key: string) => features?.items.find((f) => f.key === key)?.name ?? key;
  const add = mayWrite ? (
    <Button onClick={() => setEdited("new")}>
      <Plus aria-hidden />
      New tier
    </Button>
  ) : null;
  const columns: readonly Column<Tier>[] = [
    {
      key: "name",
      header: "Tier",
      className: "w-full max-w-0 min-w-44",
      cell: (tier) => (
        <span className="flex min-w-0 flex-col gap-1 py-1">
          <span className="flex flex-wrap items-center gap-2 font-medium">
            {tier.name}
            {tier.archived_at ? <Badge>Archived</Badge> : null}
          </span>
          <span className="text-13 text-muted">{tier.features.map((f) => opened({ name: nameOf(f.feature), amount: f.amount ?? null })).join(" · ") || "Opens nothing yet"}</span>
        </span>
      ),
    },
    { key: "key", header: "Key", wide: true, cell: (tier) => <span className="font-mono text-13 text-muted">{tier.key}</span> },
    { key: "price", header: "Price", wide: true, className: "whitespace-nowrap text-muted", cell: (tier) => priceOf(tier) },
    { key: "holders", header: "Members", className: "text-right tabular-nums", cell: (tier) => tier.holders.toLocaleString("en") },
    ...(mayWrite
      ? [
          {
            key: "edit",
            header: "Change",
            className: "text-right",
            cell: (tier: Tier) => (
              <Button variant="ghost" size="iconSm" aria-label={`Change ${tier.name}`} onClick={() => setEdited(tier)}>
                <Pencil aria-hidden />
              </Button>
            ),
          },
        ]
      : []),
  ];
  return (
    <>
      <PageHeader title="Tiers" action={add}>
        What members may be, and what each opens for them. An update can be sent to one tier.
      </PageHeader>
      <DataTable
        caption="Tiers"
        columns={columns}
        rows={data?.items}
        rowKey={(tier) => tier.id}
        empty={
          <EmptyState title="No tiers yet" action={add}>
            A tier says what a member has: the whole house, a trial month, friends of the place. Make the first one.
          </EmptyState>
        }
      />
      <TierDialog tier={edited} features={features?.items ?? []} close={() => setEdited(null)} />
    </>
  );
}

"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useRef } from "react";
import { ErrorState } from "@/components/error-state";
import { Button } from "@/components/ui/button";
import { TextField } from "@/components/ui/field";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { text, useSubmit } from "@/lib/use-submit";
import { deleteFeature, featuresOptions, keyOf, putFeature, type Feature } from "./api";

function Remove({ feature }: { feature: Feature }) {
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteFeature(feature.key),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.tiers.features() }),
    onError: (error) => toast(error.message, { tone: "error" }),
  });
  return (
    <Button variant="ghost" size="iconSm" aria-label={`Remove ${feature.name}`} busy={remove.isPending} onClick={() => remove.mutate()}>
      <Trash2 aria-hidden />
    </Button>
  );
}

/** The features that tiers choose from. One that a tier opens cannot be removed. */
export function FeatureList({ mayWrite }: { mayWrite: boolean }) {
  const client = useQueryClient();
  const ref = useRef<HTMLFormElement>(null);
  const { data, isError, error, refetch } = useQuery(featuresOptions());
  const form = useSubmit(
    (data) => putFeature(keyOf(text(data, "name")) || "feature", { name: text(data, "name"), description: "" }),
    () => {
      void client.invalidateQueries({ queryKey: keys.tiers.features() });
      ref.current?.reset();
    },
  );
  return (
    <section aria-labelledby="features" className="flex flex-col gap-4">
      <h2 id="features" className="text-16 font-semibold">
        Features
      </h2>
      {isError && !data ? <ErrorState error={error} retry={() => void refetch()} /> : null}
      {data ? null : <Skeleton className="h-24" />}
      {data?.items.length === 0 ? <p className="text-muted">None yet. A feature is something that some tiers have and others have not: club boats, a discount, hours with a coach.</p> : null}
      <ul className="flex flex-col">
        {data?.items.map((feature) => (
          <li key={feature.key} className="flex min-h-10 items-center justify-between gap-4 border-b border-border py-1 last:border-b-0">
            <span className="min-w-0">
              {feature.name} <span className="font-mono text-12 text-muted max-sm:hidden">{feature.key}</span>
            </span>
            <span className="flex items-center gap-2 text-13 whitespace-nowrap text-muted">
              {feature.tiers === 1 ? "1 tier" : `${feature.tiers} tiers`}
              {mayWrite && feature.tiers === 0 ? <Remove feature={feature} /> : null}
            </span>
          </li>
        ))}
      </ul>
      {mayWrite ? (
        <form ref={ref} className="flex flex-wrap items-end gap-3" method="post" onSubmit={form.onSubmit} noValidate>
          <TextField label="Another feature" name="name" required maxLength={60} placeholder="Boathouse and gym" className="w-72 max-w-full" error={form.fields.name ?? form.fields.key ?? (form.error && !Object.keys(form.fields).length ? form.error.message : undefined)} />
          <Button type="submit" variant="secondary" busy={form.busy}>
            Add
          </Button>
        </form>
      ) : null}
    </section>
  );
}

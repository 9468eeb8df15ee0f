import { CircleAlert } from "lucide-react";
import { Checkbox } from "@/components/ui/checkbox";
import { Input } from "@/components/ui/input";
import type { Schema } from "@/lib/api/client";
import type { Feature } from "./api";

/** Reads what is ticked, and how much of it. */
export function openedIn(form: FormData, features: readonly Feature[]): Schema["Opened"][] {
  return features
    .filter((feature) => form.get(`feature:${feature.key}`) === "on")
    .map((feature) => ({ feature: feature.key, amount: Number(form.get(`amount:${feature.key}`)) || null }));
}

/** Which features a tier opens, and how much of each. An empty amount is without limit. */
export function OpenedFields({ features, opened, error }: { features: readonly Feature[]; opened: readonly Schema["Opened"][]; error?: string | undefined }) {
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-1.5 text-13 font-medium">What it opens</legend>
      {features.length === 0 ? <p className="text-13 text-muted">There are no features yet. Write them down below the tiers, then tick them here.</p> : null}
      {features.map((feature) => {
        const held = opened.find((one) => one.feature === feature.key);
        return (
          <div key={feature.key} className="flex items-center justify-between gap-3">
            <label className="flex min-w-0 items-center gap-2.5">
              <Checkbox name={`feature:${feature.key}`} defaultChecked={Boolean(held)} />
              <span className="truncate">{feature.name}</span>
            </label>
            <Input name={`amount:${feature.key}`} type="number" min={1} inputMode="numeric" placeholder="no limit" aria-label={`How much: ${feature.name}`} defaultValue={held?.amount ?? ""} className="w-28 text-right" />
          </div>
        );
      })}
      {error ? (
        <p role="alert" className="flex items-start gap-1.5 text-13 text-danger">
          <CircleAlert aria-hidden className="mt-0.5 size-3.5 shrink-0" />
          {error}
        </p>
      ) : null}
    </fieldset>
  );
}

"use client";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { TextareaField, TextField } from "@/components/ui/field";
import { Switch } from "@/components/ui/switch";
import { toast } from "@/components/ui/toast";
import { ApiError } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";
import type { Tier } from "@/lib/tiers";
import { text, useSubmit } from "@/lib/use-submit";
import { changeTier, createTier, keyOf, type Feature } from "./api";
import { OpenedFields, openedIn } from "./opened-fields";
import { faultOfPrices, PriceFields, savePrices } from "./price-fields";

/** Makes a tier, or says anew what it is. Its key never changes: audiences and code refer to it. */
export function TierDialog({ tier, features, close }: { tier: Tier | "new" | null; features: readonly Feature[]; close: () => void }) {
  return (
    <Dialog open={tier !== null} onOpenChange={(open) => (open ? undefined : close())} title={tier === "new" ? "New tier" : "Change this tier"} className="w-[min(34rem,calc(100vw-2rem))]">
      {tier ? <TierForm tier={tier === "new" ? null : tier} features={features} close={close} /> : null}
    </Dialog>
  );
}

function TierForm({ tier, features, close }: { tier: Tier | null; features: readonly Feature[]; close: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState(tier?.name ?? "");
  const [key, setKey] = useState<string | null>(null);
  const [prices, setPrices] = useState<string | null>(null);
  const form = useSubmit(
    async (data) => {
      const wrong = faultOfPrices(data);
      setPrices(wrong);
      if (wrong) throw new ApiError(422, "invalid", "Look at the prices.");
      const said = { name: text(data, "name"), description: text(data, "description"), position: Number(text(data, "position")) || 0, features: openedIn(data, features) };
      const saved = await (tier ? changeTier(tier.id, { ...said, archived: data.get("archived") === "on" }) : createTier({ ...said, key: text(data, "key") }));
      try {
        await savePrices(saved.id, data, tier?.prices ?? []);
      } catch (error) {
        // The tier is there: whoever sends the form again would make a second one.
        toast(`${saved.name} is saved, but not its prices: ${error instanceof ApiError ? error.message : "try again."}`, { tone: "error" });
      }
      return saved;
    },
    (saved) => {
      void client.invalidateQueries({ queryKey: keys.tiers.all() });
      toast(tier ? `${saved.name} is changed.` : `${saved.name} is there. Give it to members on their page.`);
      close();
    },
  );
  const general = form.error && !Object.keys(form.fields).length ? form.error.message : null;
  return (
    <form className="flex flex-col gap-4" method="post" onSubmit={form.onSubmit} noValidate>
      <div role="alert" className="empty:-mb-4">{general ? <p className="text-danger">{general}</p> : null}</div>
      <TextField label="Name" name="name" required maxLength={60} value={name} onChange={(e) => setName(e.target.value)} error={form.fields.name} />
      {tier ? null : (
        <TextField label="Key" name="key" required maxLength={40} value={key ?? keyOf(name)} onChange={(e) => setKey(e.target.value)} error={form.fields.key} hint="What audiences and code call it. It stays." />
      )}
      <TextareaField label="What it is" name="description" rows={2} maxLength={500} className="[&_textarea]:min-h-16" defaultValue={tier?.description ?? ""} error={form.fields.description} hint="Its members read this." />
      <OpenedFields features={features} opened={tier?.features ?? []} error={form.fields.features} />
      <PriceFields prices={tier?.prices ?? []} error={prices ?? undefined} />
      <div className="flex flex-wrap items-end justify-between gap-4">
        <TextField label="Place in the list" name="position" type="number" inputMode="numeric" className="w-32" defaultValue={tier?.position ?? 0} error={form.fields.position} />
        {tier ? (
          // eslint-disable-next-line jsx-a11y/label-has-associated-control -- the switch is inside
          <label className="flex items-center gap-3 pb-2 text-13 font-medium">
            Archived: nobody new gets it
            <Switch name="archived" defaultChecked={Boolean(tier.archived_at)} />
          </label>
        ) : null}
      </div>
      <DialogActions>
        <Button type="button" variant="ghost" onClick={close}>
          Cancel
        </Button>
        <Button type="submit" busy={form.busy}>
          {tier ? "Save" : "Make it"}
        </Button>
      </DialogActions>
    </form>
  );
}

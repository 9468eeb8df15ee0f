"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field, TextField } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { tiersOptions, type Membership } from "@/lib/tiers";
import { text, useSubmit } from "@/lib/use-submit";
import { grant } from "./api";

/** The end of a day, here, as the server takes it. */
const endOf = (day: string): string | null => (day ? new Date(`${day}T23:59:59`).toISOString() : null);

/** Gives somebody a tier, in place of the one they hold. */
export function GrantDialog({ user, held, open, close }: { user: string; held: Membership | null; open: boolean; close: () => void }) {
  const client = useQueryClient();
  const { data } = useQuery({ ...tiersOptions(), enabled: open });
  const form = useSubmit(
    (data) => grant(user, { tier: text(data, "tier"), until: endOf(text(data, "until")), reason: text(data, "reason") || null }),
    (answer) => {
      void client.invalidateQueries({ queryKey: keys.tiers.all() });
      toast(`They hold ${answer.membership?.name ?? "the tier"} now.`);
      close();
    },
  );
  const open_tiers = data?.items.filter((tier) => !tier.archived_at) ?? [];
  return (
    <Dialog open={open} onOpenChange={close} title="Give a tier" description={held ? `It takes the place of ${held.name}.` : undefined}>
      <form className="flex flex-col gap-4" method="post" onSubmit={form.onSubmit} noValidate>
        <div role="alert">{form.error && !Object.keys(form.fields).length ? <p className="text-danger">{form.error.message}</p> : null}</div>
        <Field label="Tier" error={form.fields.tier} hint={data && open_tiers.length === 0 ? "There is no tier to give yet. Make one under Tiers." : undefined}>
          {(wiring) => (
            <Select name="tier" {...wiring}>
              {open_tiers.map((tier) => (
                <option key={tier.key} value={tier.key}>
                  {tier.name}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <TextField label="Until and with" name="until" type="date" error={form.fields.until} hint="Empty: until somebody takes it away." />
        <TextField label="Why" name="reason" maxLength={300} error={form.fields.reason} hint="For colleagues; the member does not see it." />
        <div className="flex justify-end gap-2">
          <Button type="button" variant="ghost" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" busy={form.busy} disabled={open_tiers.length === 0}>
            Give it
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

"use client";
import { useQuery } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field, TextareaField } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import type { Schema } from "@/lib/api/client";
import type { UserFilter } from "@/lib/query-keys";
import { text, useSubmit } from "@/lib/use-submit";
import { matching } from "./api";
import { startBulk, type BulkAction } from "./bulk-api";
import { BULK } from "./person-acts";
import { rolesOptions } from "./roles-api";
import type { Selection } from "./use-selection";

interface Props {
  action: BulkAction | null;
  selection: Selection;
  filter: UserFilter;
  count: number | undefined;
  close: () => void;
  started: (run: string) => void;
}

/** Says how many are meant before anything is done to them. */
export function BulkAsk({ action, selection, filter, count, close, started }: Props) {
  const roles = useQuery({ ...rolesOptions(), enabled: action === "grant" || action === "revoke" });
  const form = useSubmit(
    (data) => {
      if (!action) throw new Error("nothing was asked");
      const whom: Partial<Schema["BulkBody"]> = selection.matching ? { matching: matching(filter), but: [...selection.ids] } : { people: [...selection.ids] };
      const said = { reason: text(data, "reason"), role: text(data, "role") };
      return startBulk({ action, ...(said.reason ? { reason: said.reason } : {}), ...(said.role ? { role: said.role } : {}), ...whom, ...(count === undefined ? {} : { expected: count }) });
    },
    (run) => started(run.id),
  );
  const act = action ? BULK[action] : null;
  const people = count === 1 ? "one person" : `${count?.toLocaleString("en") ?? "these"} people`;
  const field = form.fields.role ?? form.fields.reason;
  return (
    <Dialog open={action !== null} onOpenChange={(open) => (open ? null : close())} title={`${act?.label ?? ""}: ${people}`} description={act?.text}>
      <form method="post" className="flex flex-col gap-4" onSubmit={form.onSubmit} noValidate>
        <div role="alert">{form.error && !field ? <p className="text-danger">{form.error.message}</p> : null}</div>
        {action === "suspend" ? <TextareaField label="Why" name="reason" className="[&_textarea]:min-h-20" hint="Other staff read this, and it stands in the log." error={form.fields.reason} /> : null}
        {action === "grant" || action === "revoke" ? (
          <Field label="Role" error={form.fields.role}>
            {(wiring) => (
              <Select name="role" {...wiring}>
                {roles.data?.items
                  .filter((role) => role.grantable)
                  .map((role) => (
                    <option key={role.name} value={role.name}>
                      {role.title}
                    </option>
                  ))}
              </Select>
            )}
          </Field>
        ) : null}
        <p className="text-13 text-muted">Whom it may not be done to is passed over and listed, with the reason.</p>
        <div className="flex flex-wrap justify-end gap-2">
          <Button variant="ghost" onClick={close}>
            Leave them
          </Button>
          <Button type="submit" variant={act?.danger ? "danger" : "primary"} busy={form.busy}>
            {act?.label} {count?.toLocaleString("en")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

"use client";
import { useQueryClient } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { text, useSubmit } from "@/lib/use-submit";
import { deleteRole, type Role } from "./roles-api";

/** Removes a role; if somebody holds it, it is said which role they get instead. */
export function DeleteRole({ role, roles, close }: { role: Role | null; roles: readonly Role[]; close: () => void }) {
  const client = useQueryClient();
  const form = useSubmit(
    (data) => deleteRole(role?.name ?? "", text(data, "to") || undefined),
    () => {
      close();
      void Promise.all([client.invalidateQueries({ queryKey: keys.roles() }), client.invalidateQueries({ queryKey: keys.users.all() })]);
      toast(`${role?.title ?? "The role"} is removed.`);
    },
  );
  const people = role ? `${role.holders.toLocaleString("en")}${role.more_holders ? "+" : ""} ${role.holders === 1 ? "person holds" : "people hold"} it.` : "";
  return (
    <Dialog open={role !== null} onOpenChange={(open) => (open ? null : close())} title={`Remove ${role?.title ?? ""}?`} description={role?.holders ? `${people} They get another role instead.` : "Nobody holds it."}>
      <form method="post" className="flex flex-col gap-4" onSubmit={form.onSubmit} noValidate>
        <div role="alert">{form.error && !form.fields.to ? <p className="text-danger">{form.error.message}</p> : null}</div>
        {role?.holders ? (
          <Field label="They get" error={form.fields.to}>
            {(wiring) => (
              <Select name="to" defaultValue="member" {...wiring}>
                {roles
                  .filter((one) => one.grantable && one.name !== role.name)
                  .map((one) => (
                    <option key={one.name} value={one.name}>
                      {one.title}
                    </option>
                  ))}
              </Select>
            )}
          </Field>
        ) : null}
        <div className="flex justify-end gap-2">
          <Button variant="ghost" onClick={close}>
            Keep it
          </Button>
          <Button type="submit" variant="danger" busy={form.busy}>
            Remove
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

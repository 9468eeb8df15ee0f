"use client";
import { useQueryClient } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { TextField } from "@/components/ui/field";
import { toast } from "@/components/ui/toast";
import type { Schema } from "@/lib/api/client";
import { keys } from "@/lib/query-keys";
import { text, useSubmit } from "@/lib/use-submit";
import { changeRole, createRole, type Role } from "./roles-api";

type Permission = Schema["PermissionView"];

const GROUPS: Readonly<Record<string, string>> = { users: "People", roles: "Roles", updates: "Updates", billing: "Billing", files: "Files", audit: "Activity", system: "System", api_keys: "API keys" };

/** Permissions by what they are about, in the order in which the server names them. */
function grouped(permissions: readonly Permission[]): [string, Permission[]][] {
  const groups = new Map<string, Permission[]>();
  for (const one of permissions) {
    const about = one.name.split(".")[0] ?? one.name;
    const name = GROUPS[about] ?? about.charAt(0).toUpperCase() + about.slice(1);
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return [...groups];
}

function Allowed({ permissions, role, locked }: { permissions: readonly Permission[]; role: Role | null; locked: boolean }) {
  return (
    <fieldset className="flex flex-col gap-4" disabled={locked}>
      <legend className="sr-only">What it allows</legend>
      {grouped(permissions).map(([group, items]) => (
        <div key={group} role="group" aria-label={group} className="flex flex-col gap-2">
          <span className="text-12 font-medium text-muted">{group}</span>
          {items.map((one) => (
            <div key={one.name} className="flex items-start gap-2.5">
              <Checkbox id={`allows-${one.name}`} name="permissions" value={one.name} className="mt-0.5" defaultChecked={role?.permissions.includes(one.name) ?? false} disabled={!one.held} />
              <label htmlFor={`allows-${one.name}`} className="flex min-w-0 flex-col">
                <span className={one.held ? "" : "text-muted"}>{one.description}</span>
                <span className="font-mono text-12 text-muted">
                  {one.name}
                  {one.held ? "" : ", not yours to give"}
                </span>
              </label>
            </div>
          ))}
        </div>
      ))}
    </fieldset>
  );
}

/** Makes or changes a role; one that came with Portico is only shown. */
export function RoleForm({ role, permissions, close }: { role: Role | "new" | null; permissions: readonly Permission[]; close: () => void }) {
  const client = useQueryClient();
  const old = role === "new" ? null : role;
  const locked = old !== null && (old.built_in || !old.grantable);
  const form = useSubmit(
    (data) => {
      const body = { title: text(data, "title"), description: text(data, "description"), staff: data.get("staff") === "on", permissions: data.getAll("permissions").filter((one) => typeof one === "string") };
      return old ? changeRole(old.name, body) : createRole(body);
    },
    (saved) => {
      close();
      void client.invalidateQueries({ queryKey: keys.roles() });
      toast(old ? `${saved.title} is changed, for all who hold it.` : `${saved.title} is there. Give it to somebody on their page.`);
    },
  );
  const title = locked ? old.title : old ? `Change ${old.title}` : "New role";
  const first = Object.values(form.fields).concat(form.error ? form.error.message : [])[0];
  return (
    <Dialog open={role !== null} onOpenChange={(open) => (open ? null : close())} title={title} className="w-[min(36rem,calc(100vw-2rem))]" description={locked ? "This role stays as it is. Make one of your own if you need another." : undefined}>
      <form method="post" className="flex flex-col gap-5" onSubmit={form.onSubmit} noValidate>
        <div role="alert" className="empty:-mb-5">{form.error && !form.fields.title && !form.fields.description ? <p className="text-danger">{first}</p> : null}</div>
        {locked ? null : (
          <>
            <TextField label="Name" name="title" defaultValue={old?.title ?? ""} error={form.fields.title} required />
            <TextField label="What it is for" name="description" defaultValue={old?.description ?? ""} error={form.fields.description} />
            <label className="flex items-center gap-2.5">
              <Checkbox name="staff" defaultChecked={old?.staff ?? true} />
              Its holders are staff: they land in the admin
            </label>
          </>
        )}
        <Allowed permissions={permissions} role={old} locked={locked} />
        {locked ? null : (
          <DialogActions>
            <Button variant="ghost" onClick={close}>
              Leave it
            </Button>
            <Button type="submit" busy={form.busy}>
              {old ? "Save" : "Make role"}
            </Button>
          </DialogActions>
        )}
      </form>
    </Dialog>
  );
}

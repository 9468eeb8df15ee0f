"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Badge } from "@/components/ui/badge";
import { DropdownMenu, DropdownMenuContent, DropdownMenuItem, DropdownMenuTrigger } from "@/components/ui/dropdown-menu";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { grantRole, revokeRole, type Detail } from "./person-api";
import { rolesOptions, useRoleTitle } from "./roles-api";

/** Which roles somebody holds; giving and taking them for who may. */
export function PersonRoles({ user, mayChange }: { user: Detail; mayChange: boolean }) {
  const client = useQueryClient();
  const title = useRoleTitle();
  const { data: roles } = useQuery(rolesOptions());
  const change = useMutation({
    mutationFn: ({ role, give }: { role: string; give: boolean }) => (give ? grantRole(user.id, role) : revokeRole(user.id, role)),
    onSuccess: (_, { role, give }) => {
      void client.invalidateQueries({ queryKey: keys.users.all() });
      const back = { label: "Undo", run: () => change.mutate({ role, give: !give }) };
      toast(give ? `${user.name} is ${title(role)} now.` : `${user.name} is no longer ${title(role)}.`, { action: back });
    },
    onError: (error) => toast(error.message, { tone: "error" }),
  });
  const grantable = roles?.items.filter((role) => role.grantable) ?? [];
  const free = grantable.filter((role) => !user.roles.includes(role.name));
  return (
    <section aria-label="Roles" className="flex flex-col gap-3">
      <h2 className="text-14 font-semibold">Roles</h2>
      <ul className="flex flex-wrap items-center gap-2">
        {user.roles.map((role) => (
          <li key={role}>
            <Badge tone="neutral" className="h-8 pl-2.5 text-13 text-ink">
              {title(role)}
              {mayChange && grantable.some((one) => one.name === role) ? (
                <Button variant="ghost" size="inline" className="-mr-0.5 size-6 text-muted" aria-label={`Take ${title(role)} from ${user.name}`} busy={change.isPending} onClick={() => change.mutate({ role, give: false })}>
                  <X aria-hidden />
                </Button>
              ) : null}
            </Badge>
          </li>
        ))}
        {user.roles.length === 0 ? <li className="text-muted">None</li> : null}
        {mayChange && free.length ? (
          <li>
            <DropdownMenu>
              <DropdownMenuTrigger asChild>
                <Button variant="ghost" size="sm">
                  <Plus aria-hidden />
                  Give a role
                </Button>
              </DropdownMenuTrigger>
              <DropdownMenuContent align="start">
                {free.map((role) => (
                  <DropdownMenuItem key={role.name} className="flex-col items-start gap-0" onSelect={() => change.mutate({ role: role.name, give: true })}>
                    {role.title}
                    <span className="max-w-64 text-12 text-muted">{role.description}</span>
                  </DropdownMenuItem>
                ))}
              </DropdownMenuContent>
            </DropdownMenu>
          </li>
        ) : null}
      </ul>
    </section>
  );
}

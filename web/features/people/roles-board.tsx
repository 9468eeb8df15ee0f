"use client";
import { useQuery } from "@tanstack/react-query";
import { Lock, Pencil, Plus, Trash2 } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { DataTable, type Column } from "@/components/data-table";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { PageHeader } from "@/components/page-header";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { DeleteRole } from "./role-delete";
import { RoleForm } from "./role-form";
import { permissionsOptions, rolesOptions, type Role } from "./roles-api";

const held = (role: Role) => (role.more_holders ? `${role.holders.toLocaleString("en")}+` : role.holders.toLocaleString("en"));

/** Every role: what it allows and how many hold it. This place's own can be changed. */
export function RolesBoard() {
  const roles = useQuery(rolesOptions());
  const permissions = useQuery(permissionsOptions());
  const [editing, setEditing] = useState<Role | "new" | null>(null);
  const [leaving, setLeaving] = useState<Role | null>(null);
  const failed = roles.error ?? permissions.error;
  const all = permissions.data?.items.length ?? 0;
  const columns: readonly Column<Role>[] = [
    {
      key: "title",
      header: "Role",
      className: "w-full max-w-0 min-w-40",
      cell: (role) => (
        <span className="flex min-w-0 flex-col">
          <span className="flex flex-wrap items-center gap-2 font-medium">
            {role.title}
            {role.staff ? <Badge tone="primary">Staff</Badge> : null}
          </span>
          <span className="text-13 break-words text-muted">{role.description || `${role.permissions.length} of ${all} permissions`}</span>
        </span>
      ),
    },
    { key: "allows", header: "Allows", wide: true, className: "whitespace-nowrap text-muted", cell: (role) => (role.permissions.length === all ? "Everything" : role.permissions.length ? `${role.permissions.length} of ${all}` : "Nothing") },
    {
      key: "holders",
      header: "Held by",
      className: "text-right whitespace-nowrap",
      cell: (role) =>
        role.holders ? (
          <Link href={`/admin/users?role=${encodeURIComponent(role.name)}`} className="text-primary underline-offset-4 hover:underline">
            {held(role)}
          </Link>
        ) : (
          <span className="text-muted">Nobody</span>
        ),
    },
    {
      key: "acts",
      header: "Change",
      className: "text-right whitespace-nowrap",
      cell: (role) =>
        role.built_in || !role.grantable ? (
          <Button variant="ghost" size="iconSm" aria-label={`See what ${role.title} allows`} onClick={() => setEditing(role)}>
            <Lock aria-hidden />
          </Button>
        ) : (
          <>
            <Button variant="ghost" size="iconSm" aria-label={`Change ${role.title}`} onClick={() => setEditing(role)}>
              <Pencil aria-hidden />
            </Button>
            <Button variant="ghost" size="iconSm" aria-label={`Remove ${role.title}`} onClick={() => setLeaving(role)}>
              <Trash2 aria-hidden />
            </Button>
          </>
        ),
    },
  ];
  return (
    <>
      <PageHeader
        title="Roles"
        action={
          <Button onClick={() => setEditing("new")}>
            <Plus aria-hidden />
            New role
          </Button>
        }
      >
        A role is a set of things that its holders may do. A change counts at once.
      </PageHeader>
      {failed && !roles.data ? (
        <ErrorState error={failed} retry={() => void Promise.all([roles.refetch(), permissions.refetch()])} />
      ) : (
        <DataTable caption="Roles" columns={columns} rows={roles.data?.items} rowKey={(role) => role.name} empty={<EmptyState title="No roles">Make the first one.</EmptyState>} />
      )}
      <RoleForm key={editing === null || editing === "new" ? editing : editing.name} role={editing} permissions={permissions.data?.items ?? []} close={() => setEditing(null)} />
      <DeleteRole role={leaving} roles={roles.data?.items ?? []} close={() => setLeaving(null)} />
    </>
  );
}

"use client";
import { Columns3 } from "lucide-react";
import Link from "next/link";
import type { Column } from "@/components/data-table";
import { Person } from "@/components/person";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import { DropdownMenu, DropdownMenuCheckboxItem, DropdownMenuContent, DropdownMenuLabel, DropdownMenuTrigger } from "@/components/ui/dropdown-menu";
import type { User } from "./api";
import { LastSeen } from "./last-seen";
import { Status } from "./status";

/** Columns that can be shown, besides the name; these are when nobody chose. */
const USUAL = ["status", "roles", "last_seen_at", "created_at"];

/** Every column, in its order. */
export function columnsOf(roleTitle: (name: string) => string): readonly Column<User>[] {
  return [
    {
      key: "name",
      header: "Name",
      sortable: true,
      className: "w-full max-w-0 min-w-40",
      cell: (user) => (
        <Link href={`/admin/users/${user.id}`} className="block rounded-control">
          <Person id={user.id} name={user.name} picture={user.picture} detail={user.email} online={user.online} />
        </Link>
      ),
    },
    { key: "status", header: "Status", cell: (user) => <Status status={user.status} /> },
    { key: "roles", header: "Roles", wide: true, className: "whitespace-nowrap text-muted", cell: (user) => user.roles.map(roleTitle).join(", ") },
    { key: "verified", header: "Address", wide: true, className: "whitespace-nowrap text-muted", cell: (user) => (user.verified ? "Proved" : "Not proved") },
    { key: "second_factor", header: "Second factor", wide: true, className: "whitespace-nowrap text-muted", cell: (user) => (user.second_factor ? "Set up" : "None") },
    { key: "last_seen_at", header: "Last seen", wide: true, className: "min-w-32 whitespace-nowrap", cell: (user) => <LastSeen user={user} /> },
    { key: "created_at", header: "Joined", sortable: true, wide: true, className: "min-w-32 whitespace-nowrap text-muted", cell: (user) => <RelativeTime at={user.created_at} /> },
    { key: "id", header: "Id", wide: true, className: "font-mono text-12 whitespace-nowrap text-muted", cell: (user) => user.id },
  ];
}

/** Which columns an address asks for. */
export const chosenColumns = (columns: string | null): readonly string[] => (columns === null ? USUAL : columns.split("."));

export function ColumnChoice({ all, chosen, choose }: { all: readonly Column<User>[]; chosen: readonly string[]; choose: (columns: string) => void }) {
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button variant="ghost" size="sm" className="max-md:hidden">
          <Columns3 aria-hidden />
          Columns
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent>
        <DropdownMenuLabel>Columns</DropdownMenuLabel>
        {all
          .filter((column) => column.key !== "name")
          .map((column) => (
            <DropdownMenuCheckboxItem
              key={column.key}
              checked={chosen.includes(column.key)}
              onCheckedChange={(on) => {
                const next = all.map((one) => one.key).filter((key) => key !== "name" && (key === column.key ? on : chosen.includes(key)));
                choose(next.join(".") === USUAL.join(".") ? "" : next.join(".") || "name");
              }}
            >
              {column.header}
            </DropdownMenuCheckboxItem>
          ))}
      </DropdownMenuContent>
    </DropdownMenu>
  );
}

"use client";
import { Search, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { Input } from "@/components/ui/input";
import { Select } from "@/components/ui/select";
import type { UserFilter } from "@/lib/query-keys";
import { roles } from "@/lib/roles";
import { STATUSES } from "./api";
import { STATUS_WORDS } from "./status";

/** Words as they go into the address; an empty one leaves it. */
export type Change = Partial<Record<"search" | "status" | "role", string>>;

/** What to look for. Typing waits for a pause before the server is asked. */
export function Filters({ filter, change }: { filter: UserFilter; change: (next: Change) => void }) {
  const [search, setSearch] = useState(filter.search ?? "");
  const pause = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(pause.current), []);
  const filtered = Boolean(filter.search ?? filter.status ?? filter.role);
  return (
    <search className="flex flex-wrap gap-2">
      <span className="relative grow basis-56">
        <Search aria-hidden className="pointer-events-none absolute top-2.5 left-3 size-4 text-muted" />
        <Input
          type="search"
          aria-label="Search by name or e-mail"
          placeholder="Name or e-mail"
          className="pl-9"
          value={search}
          onChange={(event) => {
            const next = event.target.value;
            setSearch(next);
            clearTimeout(pause.current);
            pause.current = setTimeout(() => change({ search: next.trim() }), 250);
          }}
        />
      </span>
      <Select aria-label="Status" value={filter.status ?? ""} onChange={(event) => change({ status: event.target.value })}>
        <option value="">Any status</option>
        {STATUSES.map((status) => (
          <option key={status} value={status}>
            {STATUS_WORDS[status]}
          </option>
        ))}
      </Select>
      <Select aria-label="Role" value={filter.role ?? ""} onChange={(event) => change({ role: event.target.value })}>
        <option value="">Any role</option>
        {roles.map((role) => (
          <option key={role.key} value={role.key}>
            {role.title}
          </option>
        ))}
      </Select>
      {filtered ? (
        <Button
          variant="ghost"
          onClick={() => {
            setSearch("");
            clearTimeout(pause.current);
            change({ search: "", status: "", role: "" });
          }}
        >
          <X aria-hidden />
          Clear
        </Button>
      ) : null}
    </search>
  );
}

"use client";
import { useQuery } from "@tanstack/react-query";
import { Search, SlidersHorizontal, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { DayField } from "@/components/day-field";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import { Input } from "@/components/ui/input";
import { Select } from "@/components/ui/select";
import type { UserFilter } from "@/lib/query-keys";
import { roles as builtIn } from "@/lib/roles";
import { narrowed, NARROWING, STATUSES } from "./api";
import { rolesOptions } from "./roles-api";
import { STATUS_WORDS } from "./status";

/** Words as they go into the address; an empty one leaves it. */
export type Change = Partial<Record<(typeof NARROWING)[number], string>>;
export const NOTHING: Change = Object.fromEntries(NARROWING.map((key) => [key, ""]));
const FINER = ["online", "verified", "second_factor", "joined_from", "joined_until"] as const;

function Finer({ filter, change }: { filter: UserFilter; change: (next: Change) => void }) {
  const choice = (key: "verified" | "second_factor", label: string, yes: string, no: string) => (
    <Select aria-label={label} className="max-sm:w-full" value={filter[key] ?? ""} onChange={(event) => change({ [key]: event.target.value })}>
      <option value="">{label}: any</option>
      <option value="true">{yes}</option>
      <option value="false">{no}</option>
    </Select>
  );
  return (
    <div className="flex flex-wrap items-end gap-2">
      {choice("verified", "Address", "Address proved", "Address not proved")}
      {choice("second_factor", "Second factor", "With second factor", "Without second factor")}
      {(["joined_from", "joined_until"] as const).map((key) => (
        <DayField key={key} label={key === "joined_from" ? "Joined from" : "Joined until"} value={filter[key]} onChange={(day) => change({ [key]: day })} />
      ))}
      <label className="flex h-9 items-center gap-2">
        <Checkbox checked={filter.online === "true"} onChange={(event) => change({ online: event.target.checked ? "true" : "" })} />
        Online now
      </label>
    </div>
  );
}

/** What to look for. Typing waits for a pause before the server is asked. */
export function Filters({ filter, change }: { filter: UserFilter; change: (next: Change) => void }) {
  const [search, setSearch] = useState(filter.search ?? "");
  const [open, setOpen] = useState(FINER.some((key) => filter[key]));
  const { data } = useQuery(rolesOptions());
  const pause = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(pause.current), []);
  const roles = data?.items.map((role) => ({ key: role.name, title: role.title })) ?? builtIn;
  return (
    <search className="flex flex-col gap-2">
      <div className="flex flex-wrap gap-2">
        <span className="relative grow basis-full sm:basis-56">
          <Search aria-hidden className="pointer-events-none absolute top-2.5 left-3 size-4 text-muted" />
          <Input
            type="search"
            aria-label="Search by name or e-mail"
            placeholder="Beginning of a name or e-mail"
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
        <Select aria-label="Status" className="max-sm:grow max-sm:basis-[calc(50%-0.25rem)]" value={filter.status ?? ""} onChange={(event) => change({ status: event.target.value })}>
          <option value="">Any status</option>
          {STATUSES.map((status) => (
            <option key={status} value={status}>
              {STATUS_WORDS[status]}
            </option>
          ))}
        </Select>
        <Select aria-label="Role" className="max-sm:grow max-sm:basis-[calc(50%-0.25rem)]" value={filter.role ?? ""} onChange={(event) => change({ role: event.target.value })}>
          <option value="">Any role</option>
          {roles.map((role) => (
            <option key={role.key} value={role.key}>
              {role.title}
            </option>
          ))}
        </Select>
        <Button variant="ghost" aria-expanded={open} onClick={() => setOpen(!open)}>
          <SlidersHorizontal aria-hidden />
          More filters
        </Button>
        {narrowed(filter) ? (
          <Button
            variant="ghost"
            onClick={() => {
              setSearch("");
              clearTimeout(pause.current);
              change(NOTHING);
            }}
          >
            <X aria-hidden />
            Clear
          </Button>
        ) : null}
      </div>
      {open ? <Finer filter={filter} change={change} /> : null}
    </search>
  );
}

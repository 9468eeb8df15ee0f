"use client";
import { useQuery } from "@tanstack/react-query";
import { Download, X } from "lucide-react";
import { DayField } from "@/components/day-field";
import { Button } from "@/components/ui/button";
import { Select } from "@/components/ui/select";
import { auditActionsOptions, type AuditFilter } from "./api";

/** `user.role_granted` as "user: role granted". */
const readable = (action: string) => action.replace(".", ": ").replace(/_/g, " ");

/** Narrows the log by what was done, by whom, to whom and when; the file holds the same. */
export function AuditFilters({ filter, change, clear }: { filter: AuditFilter; change: (next: AuditFilter) => void; clear: (() => void) | undefined }) {
  const { data } = useQuery(auditActionsOptions());
  const groups = [...new Set(data?.items.map((action) => action.slice(0, action.indexOf(".") + 1)))];
  const ids = [filter.actor ? "one person's acts" : null, filter.subject ? "what concerns one thing" : null].filter((one) => one !== null);
  return (
    <search className="flex flex-wrap items-end gap-2">
      <Select aria-label="What was done" className="max-sm:w-full" value={filter.action ?? ""} onChange={(event) => change({ action: event.target.value })}>
        <option value="">Anything</option>
        {groups.map((group) => (
          <optgroup key={group} label={group.slice(0, -1).replace(/_/g, " ")}>
            <option value={group}>All of {group.slice(0, -1).replace(/_/g, " ")}</option>
            {data?.items
              .filter((action) => action.startsWith(group))
              .map((action) => (
                <option key={action} value={action}>
                  {readable(action)}
                </option>
              ))}
          </optgroup>
        ))}
      </Select>
      {(["from", "until"] as const).map((key) => (
        <DayField key={key} label={key === "from" ? "From" : "Until"} value={filter[key]} onChange={(day) => change({ [key]: day })} />
      ))}
      {ids.length ? <span className="flex h-9 items-center text-13 text-muted">Only {ids.join(", ")}</span> : null}
      {clear ? (
        <Button variant="ghost" onClick={clear}>
          <X aria-hidden />
          Clear
        </Button>
      ) : null}
      <Button asChild variant="ghost" className="ml-auto">
        <a href={`/api/v1/audit/export?${new URLSearchParams(filter).toString()}`} download>
          <Download aria-hidden />
          Export
        </a>
      </Button>
    </search>
  );
}

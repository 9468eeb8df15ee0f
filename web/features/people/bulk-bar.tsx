"use client";
import { ChevronDown, X } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { DropdownMenu, DropdownMenuContent, DropdownMenuItem, DropdownMenuTrigger } from "@/components/ui/dropdown-menu";
import type { UserFilter } from "@/lib/query-keys";
import type { BulkAction } from "./bulk-api";
import { BulkAsk } from "./bulk-ask";
import { BULK } from "./person-acts";
import type { Selection } from "./use-selection";

interface Props {
  selection: Selection;
  filter: UserFilter;
  /** How many match the filter, when that is known exactly. */
  matching: number | undefined;
  pageSelected: boolean;
  may: (permission: "users.write" | "roles.write") => boolean;
  all: () => void;
  clear: () => void;
  started: (run: string) => void;
}

/** What can be done to those who are selected, and how many they are. */
export function BulkBar({ selection, filter, matching, pageSelected, may, all, clear, started }: Props) {
  const [asked, setAsked] = useState<BulkAction | null>(null);
  const count = selection.matching ? (matching === undefined ? undefined : matching - selection.ids.size) : selection.ids.size;
  if (count === 0) return null;
  const possible = (Object.keys(BULK) as BulkAction[]).filter((action) => may(BULK[action].needs));
  const inTrash = filter.status === "deleted" || filter.status === "suspended";
  const first: BulkAction = inTrash ? "restore" : "suspend";
  const offered = possible.includes(first) ? first : undefined;
  const number = count?.toLocaleString("en") ?? "Counting";
  return (
    <div role="region" aria-label="Selected people" className="sticky top-2 z-20 flex flex-wrap items-center gap-2 rounded-card border border-border bg-surface py-2 pr-2 pl-4 shadow-float">
      <span className="tabular-nums" role="status">
        {number} selected
      </span>
      {!selection.matching && pageSelected && matching !== undefined && matching > selection.ids.size ? (
        <Button variant="link" size="sm" onClick={all}>
          Select all {matching.toLocaleString("en")} who match
        </Button>
      ) : null}
      <span className="ml-auto flex flex-wrap gap-2">
        {offered ? (
          <Button variant="secondary" size="sm" onClick={() => setAsked(offered)}>
            {BULK[offered].label}
          </Button>
        ) : null}
        <DropdownMenu>
          <DropdownMenuTrigger asChild>
            <Button variant="secondary" size="sm">
              More
              <ChevronDown aria-hidden />
            </Button>
          </DropdownMenuTrigger>
          <DropdownMenuContent>
            {possible
              .filter((action) => action !== offered)
              .map((action) => (
                <DropdownMenuItem key={action} onSelect={() => setAsked(action)} className={BULK[action].danger ? "text-danger" : ""}>
                  {BULK[action].label}
                </DropdownMenuItem>
              ))}
          </DropdownMenuContent>
        </DropdownMenu>
        <Button variant="ghost" size="iconSm" aria-label="Select nobody" onClick={clear}>
          <X aria-hidden />
        </Button>
      </span>
      <BulkAsk
        action={asked}
        selection={selection}
        filter={filter}
        count={count}
        close={() => setAsked(null)}
        started={(run) => {
          setAsked(null);
          clear();
          started(run);
        }}
      />
    </div>
  );
}

"use client";
import { Download } from "lucide-react";
import { Button } from "@/components/ui/button";
import { DropdownMenu, DropdownMenuContent, DropdownMenuItem, DropdownMenuLabel, DropdownMenuTrigger } from "@/components/ui/dropdown-menu";
import type { UserFilter } from "@/lib/query-keys";
import { asQuery } from "./api";

/** What is shown, all pages of it, as a file. That it was made stands in the log. */
export function ExportMenu({ filter, count }: { filter: UserFilter; count: number | undefined }) {
  const href = (format: string) => `/api/v1/users/export?${new URLSearchParams(`${asQuery(filter)}&format=${format}`).toString()}`;
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button variant="ghost" size="sm">
          <Download aria-hidden />
          Export
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent>
        <DropdownMenuLabel>{count === undefined ? "Everybody who matches" : count === 1 ? "One person" : `${count.toLocaleString("en")} people`}</DropdownMenuLabel>
        {["CSV", "JSON"].map((format) => (
          <DropdownMenuItem key={format} asChild>
            <a href={href(format.toLowerCase())} download>
              As {format}
            </a>
          </DropdownMenuItem>
        ))}
      </DropdownMenuContent>
    </DropdownMenu>
  );
}

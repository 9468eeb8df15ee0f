"use client";
import { Stat } from "@/components/stat";
import { Skeleton } from "@/components/ui/skeleton";
import type { Schema } from "@/lib/api/client";
import { useLivePages } from "@/lib/use-live-pages";
import { updatesOptions, type Update } from "./api";

const share = (part: number, whole: number) => (whole ? `${Math.round((part / whole) * 100)} %` : "0 %");

/** How far the latest updates have come, over all their readers. */
export function UpdateFigures() {
  const { rows } = useLivePages<Update, Schema["Page_UpdateView"]>(updatesOptions());
  const sum = (pick: (counts: Update["counts"]) => number, of = rows ?? []) => of.reduce((n, update) => n + pick(update.counts), 0);
  const asking = (rows ?? []).filter((update) => update.action);
  const blank = <Skeleton className="h-10 w-16" />;
  return (
    <>
      <Stat label="Read" value={rows ? share(sum((c) => c.read), sum((c) => c.recipients)) : blank}>
        {rows?.length === 1 ? "of the latest update" : `of the latest ${rows?.length ?? ""} updates`}
      </Stat>
      <Stat label="Answered" value={rows ? share(sum((c) => c.acknowledged, asking), sum((c) => c.recipients, asking)) : blank}>
        {asking.length === 0 ? "no answer was asked" : `where an answer was asked`}
      </Stat>
    </>
  );
}

"use client";
import { useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import { useSubmit } from "@/lib/use-submit";
import { commit, faultsOptions, type Import } from "./import-api";

/** What would come of it, line by line where it would not; then, taking it over. */
export function ImportOutcome({ state, running }: { state: Import; running: (next: Import) => void }) {
  const { data } = useQuery({ ...faultsOptions(state.id), enabled: Boolean(state.faulty), staleTime: 0 });
  const form = useSubmit((body) => commit(state.id, body.get("invite") === "on"), running);
  const good = state.good ?? 0;
  return (
    <section aria-label="What comes of it" className="flex flex-col gap-5">
      <p className="text-16" role="status">
        {good.toLocaleString("en")} can come in{state.faulty ? `, ${state.faulty.toLocaleString("en")} cannot.` : "."}
      </p>
      {state.faulty ? (
        <div className="flex flex-col gap-2">
          <ul aria-label="Lines that cannot be taken over" className="max-h-72 overflow-auto border-y border-border">
            {data?.items.map((line) => (
              <li key={line.line} className="grid grid-cols-[4rem_minmax(0,1fr)] gap-3 border-b border-border py-2 last:border-b-0">
                <span className="text-13 text-muted tabular-nums">Line {line.line}</span>
                <span className="min-w-0">
                  <span className="block">{line.message}</span>
                  <span className="block truncate text-13 text-muted">{line.cells.filter(Boolean).join(" · ")}</span>
                </span>
              </li>
            ))}
          </ul>
          <Button asChild variant="ghost" size="sm" className="self-start">
            <a href={`/api/v1/users/imports/${state.id}/faults.csv`} download>
              <Download aria-hidden />
              All of them as a file
            </a>
          </Button>
        </div>
      ) : null}
      <form method="post" className="flex flex-col gap-4" onSubmit={form.onSubmit} noValidate>
        <div role="alert">{form.error ? <p className="text-danger">{form.error.message}</p> : null}</div>
        <label className="flex items-center gap-2.5">
          <Checkbox name="invite" />
          Mail each of them an invitation now
        </label>
        <Button type="submit" busy={form.busy} disabled={good === 0} className="self-start">
          Import {good.toLocaleString("en")} {good === 1 ? "person" : "people"}
        </Button>
      </form>
    </section>
  );
}

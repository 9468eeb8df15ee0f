"use client";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import Link from "next/link";
import { useEffect } from "react";
import { DataTable, type Column } from "@/components/data-table";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { More } from "@/components/more";
import { Notice } from "@/components/notice";
import { RelativeTime } from "@/components/relative-time";
import { Section } from "@/components/section";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { compare, driftOptions, reason, type Drift, type Run } from "./api";

const kinds: Record<string, string> = { missing_here: "Not here yet", missing_there: "Gone there", differs: "Differs" };
const fields: Record<string, string> = { name: "Name", email: "Address", roles: "Roles", suspended: "Suspended", deleted: "In the trash" };

function What({ drift }: { drift: Drift }) {
  return (
    <span className="flex min-w-0 flex-col gap-0.5 py-0.5">
      {drift.user_id ? (
        <Link href={`/admin/users/${drift.user_id}`} className="truncate font-medium hover:underline">
          {drift.name ?? drift.email ?? drift.hosted_id}
        </Link>
      ) : (
        <span className="truncate font-medium">{drift.name ?? drift.email ?? drift.hosted_id}</span>
      )}
      {drift.email && drift.name ? <span className="truncate text-13 text-muted">{drift.email}</span> : null}
      {drift.fields.map((field) => (
        <span key={field.field} className="text-13 break-words text-muted">
          {fields[field.field] ?? field.field}: {field.here || "none"} → <span className="text-ink">{field.there || "none"}</span>
        </span>
      ))}
      {drift.problem ? <span className="text-13 text-danger">{reason(drift.problem)}</span> : null}
    </span>
  );
}

const columns: readonly Column<Drift>[] = [
  { key: "who", header: "Who", className: "w-full max-w-0 min-w-40", cell: (drift) => <What drift={drift} /> },
  { key: "kind", header: "What", cell: (drift) => <Badge tone={drift.kind === "differs" ? "neutral" : "warning"}>{kinds[drift.kind] ?? drift.kind}</Badge> },
  { key: "mended", header: "Mended", wide: true, cell: (drift) => (drift.mended ? <Badge tone="success">Mended</Badge> : <Badge>Not mended</Badge>) },
];

function Outcome({ run }: { run: Run }) {
  const found = run.missing_here + run.missing_there + run.differing;
  const looked = `${run.seen.toLocaleString("en")} looked at`;
  if (!run.finished_at)
    return (
      <p role="status" className="text-14 text-muted">
        Comparing: {looked} so far, {found.toLocaleString("en")} not the same.
      </p>
    );
  return (
    <>
      {run.problem ? <Notice>It was not finished: {run.problem}. Check the connection, then compare again.</Notice> : null}
      <p className="text-14 text-muted">
        Compared <RelativeTime at={run.finished_at} />: {looked}, {run.missing_here.toLocaleString("en")} not here, {run.missing_there.toLocaleString("en")} gone there, {run.differing.toLocaleString("en")} different
        {run.mends ? `; ${run.mended.toLocaleString("en")} mended` : "; nothing was changed"}.
      </p>
    </>
  );
}

/** Everybody there beside everybody here: what differs, and mending it. */
export function Comparison({ run, mayManage }: { run: Run | null; mayManage: boolean }) {
  const client = useQueryClient();
  const list = useInfiniteQuery({ ...driftOptions(run?.id ?? ""), enabled: run !== null });
  const finished = run?.finished_at ?? null;
  useEffect(() => {
    if (run?.id) void client.invalidateQueries({ queryKey: keys.hosted.drift(run.id) });
  }, [client, run?.id, finished]);
  const start = useMutation({
    mutationFn: compare,
    onSuccess: () => void client.invalidateQueries({ queryKey: keys.hosted.state() }),
    onError: (error) => toast(error.message, { tone: "error" }),
  });
  const busy = run !== null && !finished;
  const acts = mayManage ? (
    <span className="flex flex-wrap gap-2">
      <Button variant="secondary" size="sm" busy={busy || (start.isPending && !start.variables)} onClick={() => start.mutate(false)}>
        Compare only
      </Button>
      <Button size="sm" disabled={busy} busy={start.isPending && start.variables} onClick={() => start.mutate(true)}>
        Compare and mend
      </Button>
    </span>
  ) : undefined;
  return (
    <Section title="Both sides" action={acts} lead="Compared every night, and mended then. Who is gone there goes into the trash here, from where they can come back.">
      {run ? <Outcome run={run} /> : null}
      {run === null ? (
        <EmptyState scene="quiet" title="Not compared yet">
          Compare only to see what would change, or mend to bring its people in.
        </EmptyState>
      ) : list.isError && !list.data ? (
        <ErrorState error={list.error} retry={() => void list.refetch()} />
      ) : (
        <DataTable
          caption="What differs"
          columns={columns}
          rows={list.data?.pages.flatMap((page) => page.items)}
          rowKey={(drift) => drift.hosted_id}
          empty={
            <EmptyState scene="quiet" title={busy ? "Nothing different so far" : "Both sides are the same"}>
              {busy ? "It goes on." : "Everybody there is here, as they are there."}
            </EmptyState>
          }
        />
      )}
      <More list={list}>Show more</More>
    </Section>
  );
}

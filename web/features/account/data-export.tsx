"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { ErrorState } from "@/components/error-state";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import { Progress } from "@/components/ui/progress";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import type { Schema } from "@/lib/api/client";
import { ApiError } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";
import { askExport, exportOptions } from "./api";

function size(bytes: number): string {
  if (bytes < 1024 * 1024) return `${Math.max(1, Math.round(bytes / 1024))} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

function Latest({ latest }: { latest: Schema["DataExportView"] }) {
  if (!latest.finished_at)
    return (
      <div role="status" className="flex flex-col gap-2 text-14">
        <p>Gathering what there is. You can leave this page: a mail tells you when it is ready.</p>
        <Progress value={latest.done} max={latest.total} label="Parts gathered" />
      </div>
    );
  if (!latest.url)
    return (
      <p className="text-14 text-muted">
        The last copy was made <RelativeTime at={latest.finished_at} /> and has been deleted since.
      </p>
    );
  return (
    <div className="flex flex-wrap items-center justify-between gap-3 rounded-card border border-border px-4 py-3">
      <span className="flex min-w-0 flex-col">
        <span className="font-medium">my-data.zip{latest.size ? `, ${size(latest.size)}` : ""}</span>
        <span className="text-13 text-muted">
          Made <RelativeTime at={latest.finished_at} />
          {latest.expires_at ? (
            <>
              , deleted <RelativeTime at={latest.expires_at} />
            </>
          ) : null}
        </span>
      </span>
      <Button asChild variant="secondary" size="sm">
        <a href={latest.url} download>
          <Download aria-hidden />
          Download
        </a>
      </Button>
    </div>
  );
}

/** A copy of all that is held about whoever is signed in. */
export function DataExport() {
  const client = useQueryClient();
  const { data, isError, error, refetch } = useQuery({
    ...exportOptions(),
    refetchInterval: (query) => (query.state.data?.latest && !query.state.data.latest.finished_at ? 1500 : false),
  });
  const ask = useMutation({
    mutationFn: askExport,
    onSuccess: (latest) => client.setQueryData(keys.dataExport(), { latest }),
    onError: (cause) => toast(cause instanceof ApiError ? cause.message : "Nothing was asked for. Try again.", { tone: "error" }),
  });
  if (isError && !data) return <ErrorState error={error} retry={() => void refetch()} />;
  const latest = data?.latest;
  const making = Boolean(latest && !latest.finished_at);
  return (
    <div className="flex flex-col gap-4" data-slot="data-export">
      {data ? latest ? <Latest latest={latest} /> : null : <Skeleton className="h-14" />}
      <Button variant={latest?.url ? "ghost" : "secondary"} className="self-start" busy={ask.isPending} disabled={making || !data} onClick={() => ask.mutate()}>
        {latest?.url ? "Make a fresh copy" : "Make a copy of my data"}
      </Button>
    </div>
  );
}

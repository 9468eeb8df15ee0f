"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { DataTable, type Column } from "@/components/data-table";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { deadJobsOptions, retryJob, type DeadJob } from "./api";

function Retry({ job }: { job: DeadJob }) {
  const client = useQueryClient();
  const retry = useMutation({
    mutationFn: () => retryJob(job.id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.deadJobs() });
      toast(`${job.task} is queued again.`);
    },
    onError: () => toast(`${job.task} was not queued. It is still kept here.`, { tone: "error" }),
  });
  return (
    <Button variant="secondary" size="sm" busy={retry.isPending} onClick={() => retry.mutate()}>
      <RotateCw aria-hidden />
      Retry
    </Button>
  );
}

const columns: readonly Column<DeadJob>[] = [
  {
    key: "task",
    header: "Job",
    className: "w-full max-w-0 min-w-40",
    cell: (job) => (
      <span className="flex min-w-0 flex-col">
        <span className="font-mono text-13">{job.task}</span>
        <span className="truncate text-13 text-danger" title={job.error}>
          {job.error}
        </span>
      </span>
    ),
  },
  { key: "failed_at", header: "Gave up", wide: true, className: "whitespace-nowrap text-muted", cell: (job) => <RelativeTime at={job.failed_at} /> },
  { key: "retry", header: "Again", className: "text-right", cell: (job) => <Retry job={job} /> },
];

/** Jobs that failed too often to be tried again by themselves. None is thrown away. */
export function DeadJobs() {
  const { data, isError, error, refetch } = useQuery(deadJobsOptions());
  if (isError && !data) return <ErrorState error={error} retry={() => void refetch()} />;
  return (
    <DataTable
      caption="Jobs that gave up"
      columns={columns}
      rows={data?.items}
      rowKey={(job) => job.id}
      empty={
        <EmptyState scene="quiet" title="No job has given up">
          A job that keeps failing is kept here with its error until somebody tries it again.
        </EmptyState>
      }
    />
  );
}

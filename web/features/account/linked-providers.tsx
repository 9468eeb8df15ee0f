"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link2 } from "lucide-react";
import { useState } from "react";
import { ErrorState } from "@/components/error-state";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import type { Schema } from "@/lib/api/client";
import { ApiError } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";
import { linkedOptions, linkProvider, unlinkProvider } from "./api";

const said = (cause: unknown, otherwise: string) => toast(cause instanceof ApiError ? cause.message : otherwise, { tone: "error" });

function Linked({ link, unlink }: { link: Schema["LinkedProviderView"]; unlink: () => void }) {
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-border py-4 last:border-b-0" data-row={link.provider}>
      <Link2 aria-hidden className="size-5 shrink-0 text-muted" />
      <span className="flex min-w-0 grow basis-40 flex-col">
        <span className="font-medium">{link.title}</span>
        <span className="truncate text-13 text-muted">
          {link.email ? `${link.email}, ` : ""}last used <RelativeTime at={link.last_used_at ?? link.linked_at} />
        </span>
      </span>
      <Button variant="secondary" size="sm" className="max-sm:ml-9" aria-label={`Unlink ${link.title}`} onClick={unlink}>
        Unlink
      </Button>
    </li>
  );
}

/** Accounts elsewhere that sign their owner in here. */
export function LinkedProviders() {
  const client = useQueryClient();
  const { data, isError, error, refetch } = useQuery(linkedOptions());
  const [leaving, setLeaving] = useState<Schema["LinkedProviderView"] | null>(null);
  const link = useMutation({
    mutationFn: (name: string) => linkProvider(name),
    onSuccess: (departure) => location.assign(departure.url),
    onError: (cause) => said(cause, "Nothing was linked. Try again."),
  });
  const unlink = useMutation({
    mutationFn: (one: Schema["LinkedProviderView"]) => unlinkProvider(one.provider),
    onSuccess: async (_, one) => {
      setLeaving(null);
      await client.invalidateQueries({ queryKey: keys.linked() });
      toast(`${one.title} no longer signs you in.`);
    },
    onError: (cause) => {
      setLeaving(null);
      said(cause, "It is still linked. Try again.");
    },
  });
  if (isError && !data) return <ErrorState error={error} retry={() => void refetch()} />;
  return (
    <div className="flex flex-col gap-4" data-slot="linked-providers">
      {data?.items.length === 0 ? (
        <p className="text-14 text-muted">None is linked. Link one, and it signs you in without your password here.</p>
      ) : (
        <ul aria-busy={!data} className="border-y border-border">
          {data ? (
            data.items.map((one) => <Linked key={one.provider} link={one} unlink={() => setLeaving(one)} />)
          ) : (
            <li className="py-4">
              <Skeleton className="h-10" />
            </li>
          )}
        </ul>
      )}
      <div className="flex flex-wrap gap-2">
        {data?.others.map((other) => (
          <Button key={other.name} variant="secondary" busy={link.isPending && link.variables === other.name} onClick={() => link.mutate(other.name)}>
            Link {other.title}
          </Button>
        ))}
      </div>
      <Dialog
        open={leaving !== null}
        onOpenChange={(open) => (open ? undefined : setLeaving(null))}
        title={`Unlink ${leaving?.title ?? ""}?`}
        description="It no longer signs you in here. Your account there stays as it is."
        footer={
          <>
            <Button variant="ghost" onClick={() => setLeaving(null)}>
              Keep it
            </Button>
            <Button variant="danger" busy={unlink.isPending} onClick={() => leaving && unlink.mutate(leaving)}>
              Unlink
            </Button>
          </>
        }
      />
    </div>
  );
}

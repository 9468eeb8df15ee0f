"use client";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { DataTable, type Column } from "@/components/data-table";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { PageHeader } from "@/components/page-header";
import { RelativeTime } from "@/components/relative-time";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { apiKeysOptions, revokeKey, type ApiKey } from "./api";
import { NewKey } from "./new-key";

const over = (key: ApiKey) => key.expires_at != null && new Date(key.expires_at).getTime() < Date.now();

function State({ apiKey }: { apiKey: ApiKey }) {
  if (apiKey.revoked_at) return <Badge tone="neutral">Taken back</Badge>;
  if (over(apiKey)) return <Badge tone="warning">Run out</Badge>;
  return <Badge tone="success">Works</Badge>;
}

function TakeBack({ apiKey, close }: { apiKey: ApiKey | null; close: () => void }) {
  const client = useQueryClient();
  const back = useMutation({
    mutationFn: (id: string) => revokeKey(id),
    onSuccess: () => {
      close();
      void client.invalidateQueries({ queryKey: keys.apiKeys() });
      toast("The key no longer works.");
    },
    onError: (error) => toast(error.message, { tone: "error" }),
  });
  return (
    <Dialog
      open={apiKey !== null}
      onOpenChange={(open) => (open ? null : close())}
      title={`Take ${apiKey?.name ?? "the key"} back?`}
      description="Whatever uses it is refused from that moment on. This cannot be undone; make another key instead."
      footer={
        <>
          <Button variant="ghost" onClick={close}>
            Keep it
          </Button>
          <Button variant="danger" busy={back.isPending} onClick={() => (apiKey ? back.mutate(apiKey.id) : undefined)}>
            Take back
          </Button>
        </>
      }
    />
  );
}

/** Keys with which machines act, each with what it may do and when it was last used. */
export function ApiKeys() {
  const list = useInfiniteQuery(apiKeysOptions());
  const [making, setMaking] = useState(false);
  const [leaving, setLeaving] = useState<ApiKey | null>(null);
  const columns: readonly Column<ApiKey>[] = [
    {
      key: "name",
      header: "Key",
      className: "w-full max-w-0 min-w-40",
      cell: (key) => (
        <span className="flex min-w-0 flex-col">
          <span className="truncate font-medium">{key.name}</span>
          <span className="truncate font-mono text-12 text-muted">{key.prefix}…</span>
        </span>
      ),
    },
    { key: "state", header: "State", cell: (key) => <State apiKey={key} /> },
    { key: "permissions", header: "May", wide: true, className: "max-w-72 text-13 text-muted", cell: (key) => key.permissions.join(", ") },
    { key: "maker", header: "Made by", wide: true, className: "whitespace-nowrap text-muted", cell: (key) => key.maker },
    { key: "used", header: "Last used", wide: true, className: "whitespace-nowrap text-muted", cell: (key) => (key.last_used_at ? <RelativeTime at={key.last_used_at} /> : "Never") },
    { key: "until", header: "Until", wide: true, className: "whitespace-nowrap text-muted", cell: (key) => (key.expires_at ? <RelativeTime at={key.expires_at} /> : "For ever") },
    {
      key: "acts",
      header: "Change",
      className: "text-right",
      cell: (key) =>
        key.revoked_at ? null : (
          <Button variant="ghost" size="sm" aria-label={`Take ${key.name} back`} onClick={() => setLeaving(key)}>
            Take back
          </Button>
        ),
    },
  ];
  const make = (
    <Button onClick={() => setMaking(true)}>
      <Plus aria-hidden />
      New key
    </Button>
  );
  return (
    <>
      <PageHeader title="API keys" action={make}>
        For machines that act here. A key never may more than whoever made it, and ends with them.
      </PageHeader>
      {list.isError && !list.data ? (
        <ErrorState error={list.error} retry={() => void list.refetch()} />
      ) : (
        <DataTable
          caption="API keys"
          columns={columns}
          rows={list.data?.pages.flatMap((page) => page.items)}
          rowKey={(key) => key.id}
          empty={
            <EmptyState title="No keys yet" action={make}>
              Make one for each machine, with no more than it needs.
            </EmptyState>
          }
        />
      )}
      <NewKey open={making} close={() => setMaking(false)} />
      <TakeBack apiKey={leaving} close={() => setLeaving(null)} />
    </>
  );
}

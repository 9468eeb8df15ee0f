"use client";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { EmptyState } from "@/components/empty-state";
import { ErrorState } from "@/components/error-state";
import { PageHeader } from "@/components/page-header";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Skeleton } from "@/components/ui/skeleton";
import { hostedOptions, type HostedState } from "./api";
import { Comparison } from "./comparison";
import { ConnectDialog } from "./connect-dialog";
import { Connection } from "./connection";
import { Webhooks } from "./webhooks";

function Health({ state }: { state: HostedState }) {
  if (!state.project) return null;
  if (state.failed > 0) return <Badge tone="danger">Webhooks failed</Badge>;
  if (state.last_run?.problem) return <Badge tone="warning">Comparison failed</Badge>;
  return <Badge tone="success">Trusted</Badge>;
}

/** A Stack Auth project that is hosted elsewhere: whether it is trusted, how it fares, and what differs. */
export function HostedProject({ mayManage }: { mayManage: boolean }) {
  const [connecting, setConnecting] = useState(false);
  const { data, isError, error, refetch } = useQuery({
    ...hostedOptions(),
    // A comparison that is on its way, and webhooks that wait, are looked at until they are through.
    refetchInterval: (query) => (query.state.data?.waiting || (query.state.data?.last_run && !query.state.data.last_run.finished_at) ? 2_000 : 30_000),
  });
  const connect = mayManage ? <Button onClick={() => setConnecting(true)}>Connect a project</Button> : null;
  return (
    <>
      <PageHeader title="Hosted project" beside={data ? <Health state={data} /> : undefined}>
        A Stack Auth or Hexclave project that is hosted elsewhere and trusted: its people are people here.
      </PageHeader>
      {isError && !data ? (
        <ErrorState error={error} retry={() => void refetch()} />
      ) : !data ? (
        <div aria-busy className="flex flex-col gap-4">
          <Skeleton className="h-32" />
          <Skeleton className="h-48" />
        </div>
      ) : data.project ? (
        <>
          <Connection state={data} project={data.project} mayManage={mayManage} edit={() => setConnecting(true)} />
          <Comparison run={data.last_run ?? null} mayManage={mayManage} />
          <Webhooks mayManage={mayManage} failed={data.failed} />
        </>
      ) : (
        <EmptyState title="No project is trusted" action={connect}>
          People sign in with their accounts here. Connect a hosted project, and its people come in with theirs, keep their name and roles, and leave when they leave there.
        </EmptyState>
      )}
      {data ? <ConnectDialog open={connecting} close={() => setConnecting(false)} project={data.project ?? null} webhookUrl={data.webhook_url} /> : null}
    </>
  );
}

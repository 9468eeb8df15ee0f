"use client";
import { useEffect, useEffectEvent, useId } from "react";
import { liveness, listen, type Binding, type Change } from "./socket";
import { useStore } from "@/lib/store";

export type LiveEvent = { kind: "change"; change: Change } | { kind: "sync" };

/**
 * Calls back for every change of the rows named, and with `sync` whenever the channel is joined, so that a change made while
 * the connection was away is read again rather than missed.
 */
export function useLive(topic: string, binding: Binding | readonly Binding[], onEvent: (event: LiveEvent) => void): void {
  const own = `${topic}:${useId().replace(/\W/g, "")}`;
  const notify = useEffectEvent(onEvent);
  const list = JSON.stringify(Array.isArray(binding) ? binding : [binding]);
  useEffect(
    () =>
      listen(own, JSON.parse(list) as Binding[], {
        onChange: (change) => notify({ kind: "change", change }),
        onSync: () => notify({ kind: "sync" }),
      }),
    [own, list],
  );
}

const AT_FIRST = { state: "connecting", since: null } as const;
export const useLiveness = () => useStore(liveness, AT_FIRST);

"use client";
import { useEffect, useEffectEvent, useId, useRef } from "react";
import { liveness, listen, type Binding, type Change } from "./socket";
import { paced } from "@/lib/paced";
import { useStore } from "@/lib/store";

export type LiveEvent = { kind: "change"; change: Change } | { kind: "sync" };

/**
 * Calls back for every change of the rows named. `since` is where what is shown stands (`sinceOf` of its answers): all that happened
 * after it is told, from before the page was open, too. Without it, and where the past does not reach back so far, `sync` says to
 * read again.
 */
export function useLive(topic: string, binding: Binding | readonly Binding[], onEvent: (event: LiveEvent) => void, since?: string): void {
  const own = `${topic}:${useId().replace(/\W/g, "")}`;
  const notify = useEffectEvent(onEvent);
  const from = useEffectEvent(() => since);
  const list = JSON.stringify(Array.isArray(binding) ? binding : [binding]);
  useEffect(
    () =>
      listen(
        own,
        JSON.parse(list) as Binding[],
        {
          onChange: (change) => notify({ kind: "change", change }),
          onSync: () => notify({ kind: "sync" }),
        },
        from(),
      ),
    [own, list],
  );
}

/** The same for what is read again whatever changed: at once, and in a rush of changes a few times a second. */
export function useLiveQuery(topic: string, binding: Binding | readonly Binding[], read: () => unknown, since?: string): void {
  const ask = useEffectEvent(async () => {
    await read();
  });
  const pacer = useRef<() => void>(undefined);
  useEffect(() => {
    pacer.current = paced(() => ask());
    return () => {
      pacer.current = undefined;
    };
  }, []);
  useLive(topic, binding, () => pacer.current?.(), since);
}

const AT_FIRST = { state: "connecting", since: null } as const;
export const useLiveness = () => useStore(liveness, AT_FIRST);

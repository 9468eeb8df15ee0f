"use client";
import { useInfiniteQuery, useQueryClient, type InfiniteData, type QueryKey } from "@tanstack/react-query";
import { useCallback, useEffect, useEffectEvent, useRef, useState } from "react";
import { paced } from "./paced";
import type { PageOf, pageOptions } from "./pages";
import { sinceOf } from "./realtime/cursor";
import { reconcile } from "./reconcile";

type Pages<T, P extends PageOf<T>> = InfiniteData<P, string | undefined>;

const RETRY = 3_000;

/**
 * A paged list in which changes are shown in place and new rows wait until they are asked for. `since` is where it stands, for the
 * channel that keeps it true.
 *
 * An answer that was on its way when a change came may be older than the change. So what changes meanwhile is remembered, and done
 * again once the answer is here: whether the list was narrowed, or another page was asked for.
 */
export function useLivePages<T extends { id: string }, P extends PageOf<T>>(options: ReturnType<typeof pageOptions<P>>) {
  const client = useQueryClient();
  const query = useInfiniteQuery<P, Error, Pages<T, P>, QueryKey, string | undefined>({ ...options, refetchOnWindowFocus: false });
  const hash = JSON.stringify(options.queryKey);
  const [held, setHeld] = useState<{ hash: string; page: P; count: number } | null>(null);
  const waiting = held?.hash === hash ? held.count : 0;
  const meanwhile = useRef<{ patches: { id: string; change: (row: T) => T }[]; refresh: boolean }>({ patches: [], refresh: false });
  const pacer = useRef<() => void>(undefined);

  const read = useEffectEvent(async (): Promise<void> => {
    let page: P;
    try {
      page = await options.queryFn({ pageParam: options.initialPageParam });
    } catch {
      // The rows shown stay. Nobody tells twice what changed, so it is asked for until there is an answer.
      setTimeout(() => pacer.current?.(), RETRY);
      return;
    }
    let count = 0;
    client.setQueryData<Pages<T, P>>(JSON.parse(hash) as QueryKey, (old) => {
      const first = old?.pages[0];
      if (!old || !first) return { pages: [page], pageParams: [options.initialPageParam] };
      const merged = reconcile(first.items, page.items);
      count = merged.waiting.length;
      // With nothing new the page just read is the truth, rows that have gone included; else what is shown keeps its place.
      const next = count || old.pages.length > 1 ? { ...page, items: merged.items, next_cursor: first.next_cursor } : page;
      return { ...old, pages: [next, ...old.pages.slice(1)] };
    });
    setHeld(count ? { hash, page, count } : null);
  });
  useEffect(() => {
    pacer.current = paced(() => read());
    return () => {
      pacer.current = undefined;
    };
  }, [hash]);

  const isUnderWay = useCallback(() => client.getQueryState(JSON.parse(hash) as QueryKey)?.fetchStatus === "fetching", [client, hash]);
  const apply = useCallback(
    (id: string, change: (row: T) => T) => {
      client.setQueryData<Pages<T, P>>(
        JSON.parse(hash) as QueryKey,
        (old) => old && { ...old, pages: old.pages.map((page) => ({ ...page, items: page.items.map((row) => (row.id === id ? change(row) : row)) })) },
      );
    },
    [client, hash],
  );

  const refresh = useCallback(() => {
    if (isUnderWay()) meanwhile.current.refresh = true;
    pacer.current?.();
  }, [isUnderWay]);
  const patch = useCallback(
    (id: string, change: (row: T) => T) => {
      if (isUnderWay()) meanwhile.current.patches.push({ id, change });
      apply(id, change);
    },
    [apply, isUnderWay],
  );
  useEffect(() => {
    if (query.isFetching) return;
    const missed = meanwhile.current;
    meanwhile.current = { patches: [], refresh: false };
    for (const { id, change } of missed.patches) apply(id, change);
    if (missed.refresh) pacer.current?.();
  }, [apply, query.isFetching]);

  const show = useCallback(() => {
    if (!held) return;
    client.setQueryData<Pages<T, P>>(JSON.parse(hash) as QueryKey, { pages: [held.page], pageParams: [options.initialPageParam] });
    setHeld(null);
  }, [client, hash, held, options.initialPageParam]);

  const first = query.data?.pages[0];
  const rows = query.data?.pages.flatMap((page) => page.items);
  return { ...query, rows, first, since: sinceOf(first), waiting, refresh, show, patch };
}

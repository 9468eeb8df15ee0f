"use client";
import { useInfiniteQuery, useQueryClient, type InfiniteData, type QueryKey } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import type { PageOf, pageOptions } from "./pages";
import { reconcile } from "./reconcile";

type Pages<T, P extends PageOf<T>> = InfiniteData<P, string | undefined>;

const RETRY = 3_000;

/** A paged list in which changes are shown in place and new rows wait until they are asked for. */
export function useLivePages<T extends { id: string }, P extends PageOf<T>>(options: ReturnType<typeof pageOptions<P>>) {
  const client = useQueryClient();
  const query = useInfiniteQuery<P, Error, Pages<T, P>, QueryKey, string | undefined>({ ...options, refetchOnWindowFocus: false });
  const hash = JSON.stringify(options.queryKey);
  const [held, setHeld] = useState<{ hash: string; page: P; count: number } | null>(null);
  const waiting = held?.hash === hash ? held.count : 0;
  const retry = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(retry.current), [hash]);

  const refresh = useCallback(async function again(): Promise<void> {
    clearTimeout(retry.current);
    const key = JSON.parse(hash) as QueryKey;
    let page: P;
    try {
      page = await options.queryFn({ pageParam: options.initialPageParam });
    } catch {
      // The rows shown stay. Nobody tells twice what changed, so it is asked for until there is an answer.
      retry.current = setTimeout(() => void again(), RETRY);
      return;
    }
    let count = 0;
    client.setQueryData<Pages<T, P>>(key, (old) => {
      const first = old?.pages[0];
      if (!old || !first) return { pages: [page], pageParams: [options.initialPageParam] };
      const merged = reconcile(first.items, page.items);
      count = merged.waiting.length;
      // With nothing new the page just read is the truth, rows that have gone included; else what is shown keeps its place.
      const next = count || old.pages.length > 1 ? { ...page, items: merged.items, next_cursor: first.next_cursor } : page;
      return { ...old, pages: [next, ...old.pages.slice(1)] };
    });
    setHeld(count ? { hash, page, count } : null);
  }, [client, hash, options]);

  const show = useCallback(() => {
    if (!held) return;
    client.setQueryData<Pages<T, P>>(JSON.parse(hash) as QueryKey, { pages: [held.page], pageParams: [options.initialPageParam] });
    setHeld(null);
  }, [client, hash, held, options.initialPageParam]);

  const patch = useCallback(
    (id: string, change: (row: T) => T) => {
      client.setQueryData<Pages<T, P>>(
        JSON.parse(hash) as QueryKey,
        (old) => old && { ...old, pages: old.pages.map((page) => ({ ...page, items: page.items.map((row) => (row.id === id ? change(row) : row)) })) },
      );
    },
    [client, hash],
  );

  const rows = query.data?.pages.flatMap((page) => page.items);
  return { ...query, rows, first: query.data?.pages[0], waiting, refresh, show, patch };
}

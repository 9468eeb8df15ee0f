import type { QueryKey } from "@tanstack/react-query";

export interface PageOf<T> {
  items: T[];
  next_cursor?: string | null;
}

/** A paged list as a query; the same options prefetch on the server and read in the browser. */
export function pageOptions<P extends PageOf<unknown>>(queryKey: QueryKey, fetchPage: (cursor: string | undefined) => Promise<P>, start?: string) {
  return {
    queryKey,
    queryFn: ({ pageParam }: { pageParam: string | undefined }) => fetchPage(pageParam),
    initialPageParam: start,
    getNextPageParam: (page: P) => page.next_cursor ?? undefined,
  };
}

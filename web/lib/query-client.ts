import { environmentManager, QueryClient } from "@tanstack/react-query";
import { ApiError } from "@/lib/api/problem";

function make(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // Live changes invalidate; a render's own data is not asked for again at once.
        staleTime: 30_000,
        retry: (count, error) => !(error instanceof ApiError && error.status >= 400 && error.status < 500) && count < 2,
      },
    },
  });
}

let browser: QueryClient | undefined;

/** A new cache for each render on the server, one for the whole tab in a browser. */
export function queryClient(): QueryClient {
  if (environmentManager.isServer()) return make();
  browser ??= make();
  return browser;
}

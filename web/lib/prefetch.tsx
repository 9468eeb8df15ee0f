import "server-only";
import { dehydrate, HydrationBoundary, type QueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { queryClient } from "./query-client";

/** Reads on the server what the page shows first; what fails here is asked again by the browser, which shows the error. */
export async function Prefetched({ load, children }: { load: (client: QueryClient) => Promise<unknown>[]; children: ReactNode }) {
  const client = queryClient();
  await Promise.allSettled(load(client));
  return <HydrationBoundary state={dehydrate(client)}>{children}</HydrationBoundary>;
}

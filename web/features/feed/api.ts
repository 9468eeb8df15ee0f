import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";
import { pageOptions } from "@/lib/pages";

export type FeedItem = Schema["FeedItemView"];
type Client = Pick<typeof api, "GET">;

/** The member's updates, newest first. The server passes its own client; a browser uses the usual one. */
export const feedOptions = (unread: boolean, client: Client = api) =>
  pageOptions(keys.feed.list(unread), (cursor) =>
    unwrap(client.GET("/api/v1/feed", { params: { query: { ...(cursor ? { cursor } : {}), ...(unread ? { unread } : {}), limit: 20 } } })),
  );

export const entryOptions = (id: string, client: Client = api) => ({
  queryKey: keys.feed.one(id),
  queryFn: () => unwrap(client.GET("/api/v1/feed/{id}", { params: { path: { id } } })),
});

export const sendReceipt = (id: string, state: Schema["ReceiptBody"]["state"]) =>
  unwrap(api.PUT("/api/v1/feed/{id}/receipt", { params: { path: { id } }, body: { state } }));

import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";
import { pageOptions } from "@/lib/pages";

export type Update = Schema["UpdateView"];
export type Audience = Schema["Audience"];
export type Recipient = Schema["RecipientView"];
type Client = Pick<typeof api, "GET">;
const after = (cursor: string | undefined) => (cursor ? { cursor } : {});

export const updatesOptions = (client: Client = api) =>
  pageOptions(keys.updates.list(), (cursor) => unwrap(client.GET("/api/v1/updates", { params: { query: { ...after(cursor), limit: 20 } } })));

export const updateOptions = (id: string, client: Client = api) => ({
  queryKey: keys.updates.one(id),
  queryFn: () => unwrap(client.GET("/api/v1/updates/{id}", { params: { path: { id } } })),
});

/** Recipients carry an id of their own in the list, the reader's, so that a live change finds its row. */
export const recipientsOptions = (id: string, client: Client = api) =>
  pageOptions(keys.updates.recipients(id), async (cursor) => {
    const page = await unwrap(client.GET("/api/v1/updates/{id}/recipients", { params: { path: { id }, query: { ...after(cursor), limit: 50 } } }));
    return { ...page, items: page.items.map((item) => ({ ...item, id: item.user.id })) };
  });

export const previewOptions = (audience: Audience) => ({
  queryKey: keys.updates.preview(audience),
  queryFn: () => unwrap(api.POST("/api/v1/updates/audience-preview", { body: { audience } })),
});

export const findPeople = (search: string) => ({
  queryKey: keys.users.list({ search, sort: "name" }),
  queryFn: () => unwrap(api.GET("/api/v1/users", { params: { query: { search, sort: "name", limit: 8 } } })),
});

export const publish = (body: Schema["NewUpdateBody"]) => unwrap(api.POST("/api/v1/updates", { body }));

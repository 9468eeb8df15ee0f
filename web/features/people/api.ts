import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys, type UserFilter } from "@/lib/query-keys";
import { pageOptions } from "@/lib/pages";

export type User = Schema["User"];
type Client = Pick<typeof api, "GET">;

export const STATUSES = ["active", "invited", "suspended"] as const;
const given = (filter: UserFilter) => Object.fromEntries(Object.entries(filter).filter(([, v]) => v));

/** The filter in an address; what it does not say is left out, so that the same view has one key. */
export function userFilter(read: (key: string) => string | null | undefined): UserFilter {
  return given({
    search: read("search") ?? "",
    status: read("status") ?? "",
    role: read("role") ?? "",
    sort: read("sort") ?? "",
    cursor: read("cursor") ?? "",
  });
}

export const usersOptions = ({ cursor: start, ...filter }: UserFilter, client: Client = api) =>
  pageOptions(
    keys.users.list({ ...filter, ...(start ? { cursor: start } : {}) }),
    (cursor) => unwrap(client.GET("/api/v1/users", { params: { query: { ...given(filter), ...(cursor ? { cursor } : {}), limit: 25 } } })),
    start,
  );

export const userOptions = (id: string, client: Client = api) => ({
  queryKey: keys.users.one(id),
  queryFn: () => unwrap(client.GET("/api/v1/users/{id}", { params: { path: { id } } })),
});

/** The latest seen, which are those who are online and some more. */
export const hereOptions = (client: Client = api) => ({
  queryKey: keys.users.here(),
  queryFn: () => unwrap(client.GET("/api/v1/users", { params: { query: { sort: "-last_seen_at", limit: 100 } } })),
});

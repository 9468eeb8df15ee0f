import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys, type UserFilter } from "@/lib/query-keys";
import { pageOptions } from "@/lib/pages";

export type User = Schema["PersonView"];
type Client = Pick<typeof api, "GET">;

export const STATUSES = ["active", "invited", "suspended"] as const;
const SORTS = ["-created_at", "created_at", "name", "-name"] as const;
const known = <T extends string>(list: readonly T[], value: string | null | undefined): T | undefined => list.find((item) => item === value);
const given = <T extends object>(filter: T): Partial<T> => Object.fromEntries(Object.entries(filter).filter(([, v]) => v)) as Partial<T>;

/** The filter in an address; what it does not say is left out, so that the same view has one key. */
export function userFilter(read: (key: string) => string | null | undefined): UserFilter {
  return given({
    search: read("search") ?? "",
    status: known(STATUSES, read("status")),
    role: read("role") ?? "",
    sort: known(SORTS, read("sort")),
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

export const totalsOptions = (client: Client = api) => ({ queryKey: keys.users.totals(), queryFn: () => unwrap(client.GET("/api/v1/users/totals")) });

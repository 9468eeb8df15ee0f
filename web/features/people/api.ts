import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys, type UserFilter } from "@/lib/query-keys";
import { pageOptions } from "@/lib/pages";

export type User = Schema["PersonView"];
export type Client = Pick<typeof api, "GET">;

export const STATUSES = ["active", "invited", "suspended", "deleted"] as const;
const SORTS = ["-created_at", "created_at", "name", "-name"] as const;
const known = <T extends string>(list: readonly T[], value: string | null | undefined): T | undefined => list.find((item) => item === value);
const given = <T extends object>(filter: T): Partial<T> => Object.fromEntries(Object.entries(filter).filter(([, v]) => v)) as Partial<T>;

/** What narrows the list; the rest of its address is order, place and columns. */
export const NARROWING = ["search", "status", "role", "online", "verified", "second_factor", "joined_from", "joined_until"] as const;
export const narrowed = (filter: UserFilter): boolean => NARROWING.some((key) => filter[key]);

/** The filter in an address; what it does not say is left out, so that the same view has one key. */
export function userFilter(read: (key: string) => string | null | undefined): UserFilter {
  const yesOrNo = (key: string) => known(["true", "false"], read(key)) ?? "";
  return given({
    search: read("search") ?? "",
    status: known(STATUSES, read("status")),
    role: read("role") ?? "",
    online: read("online") === "true" ? "true" : "",
    verified: yesOrNo("verified"),
    second_factor: yesOrNo("second_factor"),
    joined_from: read("joined_from") ?? "",
    joined_until: read("joined_until") ?? "",
    sort: known(SORTS, read("sort")),
    cursor: read("cursor") ?? "",
  });
}

/** The same filter as the server reads it. */
export function matching({ search, status, role, online, verified, second_factor, joined_from, joined_until }: UserFilter): Schema["FilterBody"] {
  const flag = (value: string | undefined) => (value ? value === "true" : undefined);
  const said = { search, status, role, online: flag(online), verified: flag(verified), second_factor: flag(second_factor), joined_from, joined_until };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined && value !== ""));
}

/** As an address's query, for links and files. */
export const asQuery = (filter: UserFilter): string => new URLSearchParams(Object.entries(matching(filter)).map(([key, value]) => [key, String(value)])).toString();

export const usersOptions = ({ cursor: start, ...filter }: UserFilter, client: Client = api) =>
  pageOptions(
    keys.users.list({ ...filter, ...(start ? { cursor: start } : {}) }),
    (cursor) =>
      unwrap(
        client.GET("/api/v1/users", {
          params: { query: { ...(matching(filter) as Record<string, never>), ...(filter.sort ? { sort: filter.sort } : {}), ...(cursor ? { cursor } : {}), limit: 25 } },
        }),
      ),
    start,
  );

/** How many match, however many: the list itself counts only so far. */
export const countOptions = (filter: UserFilter, client: Client = api) => ({
  queryKey: keys.users.count(filter),
  queryFn: () => unwrap(client.GET("/api/v1/users/count", { params: { query: matching(filter) as Record<string, never> } })),
});

export const userOptions = (id: string, client: Client = api) => ({
  queryKey: keys.users.one(id),
  queryFn: () => unwrap(client.GET("/api/v1/users/{id}", { params: { path: { id } } })),
});

export const totalsOptions = (client: Client = api) => ({ queryKey: keys.users.totals(), queryFn: () => unwrap(client.GET("/api/v1/users/totals")) });

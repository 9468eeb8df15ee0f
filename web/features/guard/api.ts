import { api, type Query, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { pageOptions } from "@/lib/pages";
import { keys } from "@/lib/query-keys";

type Client = Pick<typeof api, "GET">;
export type SecurityEvent = Schema["SecurityEventView"];
export type ApiKey = Schema["ApiKeyView"];
export type EventFilter = Partial<Record<"kinds" | "user" | "address" | "from" | "until", string>>;

/** What is watched for, and the kinds that it is made of. */
export const WATCHED = [
  { key: "failed", title: "Failed sign-ins", kinds: ["sign_in_failed", "second_factor_failed"] },
  { key: "locked", title: "Lock-outs", kinds: ["locked_out"] },
  { key: "devices", title: "New devices", kinds: ["new_device"] },
  { key: "reuse", title: "Stolen sessions ended", kinds: ["token_reused"] },
] as const;

export function eventFilter(read: (key: string) => string | null | undefined): EventFilter {
  const said = (["kinds", "user", "address", "from", "until"] as const).map((key) => [key, read(key) ?? ""] as const);
  return Object.fromEntries(said.filter(([, value]) => value));
}

export const eventsOptions = (filter: EventFilter, client: Client = api) =>
  pageOptions(keys.security.events(filter), (cursor) =>
    unwrap(client.GET("/api/v1/security/events", { params: { query: { ...(filter as Query<"security_events">), ...(cursor ? { cursor } : {}), limit: 50 } } })),
  );
export const figuresOptions = (client: Client = api) => ({ queryKey: keys.security.figures(), queryFn: () => unwrap(client.GET("/api/v1/security/figures")) });

export const apiKeysOptions = (client: Client = api) => pageOptions(keys.apiKeys(), (cursor) => unwrap(client.GET("/api/v1/api-keys", { params: { query: { ...(cursor ? { cursor } : {}), limit: 50 } } })));
export const permissionsOptions = (client: Client = api) => ({ queryKey: keys.permissions(), queryFn: () => unwrap(client.GET("/api/v1/permissions")) });
export const createKey = (body: Schema["ApiKeyBody"]) => unwrap(api.POST("/api/v1/api-keys", { body }));
export const revokeKey = (id: string) => unwrap(api.DELETE("/api/v1/api-keys/{id}", { params: { path: { id } } }));

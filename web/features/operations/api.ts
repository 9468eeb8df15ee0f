import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";
import { pageOptions } from "@/lib/pages";

export type DeadJob = Schema["DeadLetter"];
export type AuditRow = Schema["ActView"] & { id: string };
type Client = Pick<typeof api, "GET">;

export type AuditFilter = Partial<Record<"actor" | "action" | "subject" | "from" | "until", string>>;

export function auditFilter(read: (key: string) => string | null | undefined): AuditFilter {
  const said = (["actor", "action", "subject", "from", "until"] as const).map((key) => [key, read(key) ?? ""] as const);
  return Object.fromEntries(said.filter(([, value]) => value));
}

export const auditActionsOptions = (client: Client = api) => ({ queryKey: keys.auditActions(), queryFn: () => unwrap(client.GET("/api/v1/audit/actions")) });

export const auditOptions = (filter: AuditFilter, client: Client = api) =>
  pageOptions(keys.audit(filter), async (cursor) => {
    const page = await unwrap(client.GET("/api/v1/audit", { params: { query: { ...filter, ...(cursor ? { cursor } : {}), limit: 50 } } }));
    return { ...page, items: page.items.map((entry) => ({ ...entry, id: String(entry.seq) })) };
  });

export const deadJobsOptions = (client: Client = api) => ({
  queryKey: keys.deadJobs(),
  queryFn: () => unwrap(client.GET("/api/v1/jobs/dead", { params: { query: { limit: 100 } } })),
});

export const retryJob = (id: string) => unwrap(api.POST("/api/v1/jobs/dead/{id}/retry", { params: { path: { id } } }));
export const removeDemo = () => unwrap(api.DELETE("/api/v1/demo"));

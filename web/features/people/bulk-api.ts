import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";

export type Run = Schema["BulkView"];
export type BulkAction = Schema["BulkAction"];
export type SavedView = Schema["SavedViewView"];

export const startBulk = (body: Schema["BulkBody"]) => unwrap(api.POST("/api/v1/users/bulk", { body }));
export const undoBulk = (run: string) => unwrap(api.POST("/api/v1/users/bulk/{run}/undo", { params: { path: { run } } }));
export const bulkOptions = (run: string) => ({ queryKey: keys.users.bulk(run), queryFn: () => unwrap(api.GET("/api/v1/users/bulk/{run}", { params: { path: { run } } })) });
export const refusalsOptions = (run: string) => ({
  queryKey: [...keys.users.bulk(run), "refusals"],
  queryFn: () => unwrap(api.GET("/api/v1/users/bulk/{run}/refusals", { params: { path: { run }, query: { limit: 100 } } })),
});

export const viewsOptions = () => ({ queryKey: keys.users.views(), queryFn: () => unwrap(api.GET("/api/v1/users/views")) });
export const saveView = (body: Schema["SavedViewBody"]) => unwrap(api.POST("/api/v1/users/views", { body }));
export const removeView = (view: string) => unwrap(api.DELETE("/api/v1/users/views/{view}", { params: { path: { view } } }));

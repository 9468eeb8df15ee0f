import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";

export type Import = Schema["ImportView"];
export type Staged = Schema["StagedView"];
export type Mapping = Schema["MappingBody"];
const at = (id: string) => ({ params: { path: { id } } });

export const stage = (file: File) =>
  unwrap(
    api.POST("/api/v1/users/imports", {
      params: { query: { name: file.name } },
      headers: { "content-type": "text/csv" },
      // The file itself travels, not JSON.
      body: file as unknown as string,
      bodySerializer: (body) => body,
    }),
  );
export const check = (id: string, body: Mapping) => unwrap(api.PUT("/api/v1/users/imports/{id}/check", { ...at(id), body }));
export const commit = (id: string, invite: boolean) => unwrap(api.POST("/api/v1/users/imports/{id}/commit", { ...at(id), body: { invite } }));
export const importOptions = (id: string) => ({ queryKey: keys.import(id), queryFn: () => unwrap(api.GET("/api/v1/users/imports/{id}", at(id))) });
export const faultsOptions = (id: string) => ({
  queryKey: [...keys.import(id), "faults"],
  queryFn: () => unwrap(api.GET("/api/v1/users/imports/{id}/faults", { params: { path: { id }, query: { limit: 20 } } })),
});

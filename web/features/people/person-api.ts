import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { pageOptions } from "@/lib/pages";
import { keys } from "@/lib/query-keys";
import type { Client } from "./api";

export type Detail = Schema["PersonDetailView"];
export type Happening = Schema["HappeningView"];
export type Note = Schema["NoteView"];

const at = (id: string) => ({ params: { path: { id } } });

export const suspend = (id: string, reason: string) => unwrap(api.PUT("/api/v1/users/{id}/suspension", { ...at(id), body: { reason } }));
export const restore = (id: string) => unwrap(api.POST("/api/v1/users/{id}/restoration", at(id)));
export const remove = (id: string) => unwrap(api.DELETE("/api/v1/users/{id}", at(id)));
export const signOut = (id: string) => unwrap(api.DELETE("/api/v1/users/{id}/sessions", at(id)));
export const signOutDevice = (id: string, session: string) => unwrap(api.DELETE("/api/v1/users/{id}/sessions/{session}", { params: { path: { id, session } } }));
export const forgetPassword = (id: string) => unwrap(api.DELETE("/api/v1/users/{id}/password", at(id)));
export const dropSecondFactor = (id: string) => unwrap(api.DELETE("/api/v1/users/{id}/second-factor", at(id)));
export const grantRole = (id: string, role: string) => unwrap(api.PUT("/api/v1/users/{id}/roles/{role}", { params: { path: { id, role } } }));
export const revokeRole = (id: string, role: string) => unwrap(api.DELETE("/api/v1/users/{id}/roles/{role}", { params: { path: { id, role } } }));
export const impersonate = (id: string, body: Schema["ImpersonationBody"]) => unwrap(api.POST("/api/v1/users/{id}/impersonation", { ...at(id), body }));
export const addNote = (id: string, body: string) => unwrap(api.POST("/api/v1/users/{id}/notes", { ...at(id), body: { body } }));
export const deleteNote = (id: string, note: string) => unwrap(api.DELETE("/api/v1/users/{id}/notes/{note}", { params: { path: { id, note } } }));

export const personSessionsOptions = (id: string, client: Client = api) => ({
  queryKey: keys.users.sessions(id),
  queryFn: () => unwrap(client.GET("/api/v1/users/{id}/sessions", at(id))),
});
export const notesOptions = (id: string, client: Client = api) =>
  pageOptions(keys.users.notes(id), (cursor) => unwrap(client.GET("/api/v1/users/{id}/notes", { params: { path: { id }, query: { ...(cursor ? { cursor } : {}), limit: 10 } } })));
export const timelineOptions = (id: string, client: Client = api) =>
  pageOptions(keys.users.timeline(id), (cursor) => unwrap(client.GET("/api/v1/users/{id}/timeline", { params: { path: { id }, query: { ...(cursor ? { cursor } : {}), limit: 20 } } })));

import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";
import { pageOptions } from "@/lib/pages";
import type { Client } from "./api";

export type Invitation = Schema["InvitationView"];
export const invitationsOptions = (client: Client = api) =>
  pageOptions(keys.invitations(), (cursor) => unwrap(client.GET("/api/v1/invitations", { params: { query: { ...(cursor ? { cursor } : {}), limit: 25 } } })));
export const invite = (body: Schema["InviteBody"]) => unwrap(api.POST("/api/v1/invitations", { body }));
export const resend = (id: string) => unwrap(api.POST("/api/v1/invitations/{id}/sending", { params: { path: { id } } }));
export const takeBack = (id: string) => unwrap(api.DELETE("/api/v1/invitations/{id}", { params: { path: { id } } }));

"use client";
import { useQuery } from "@tanstack/react-query";
import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { roleTitle } from "@/lib/roles";
import { permissionsOptions, rolesOptions } from "./roles-options";

export type Role = Schema["RoleView"];

export const createRole = (body: Schema["RoleBody"]) => unwrap(api.POST("/api/v1/roles", { body }));
export const changeRole = (name: string, body: Schema["RoleBody"]) => unwrap(api.PUT("/api/v1/roles/{name}", { params: { path: { name } }, body }));
export const deleteRole = (name: string, to: string | undefined) => unwrap(api.DELETE("/api/v1/roles/{name}", { params: { path: { name }, query: to ? { to } : {} } }));

/** What a role is called, this place's own included. */
export function useRoleTitle(): (name: string) => string {
  const { data } = useQuery({ ...rolesOptions(), staleTime: 60_000 });
  return (name) => data?.items.find((role) => role.name === name)?.title ?? roleTitle(name);
}

export { permissionsOptions, rolesOptions };

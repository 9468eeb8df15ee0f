import { api } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";
import type { Client } from "./api";

export const rolesOptions = (client: Client = api) => ({ queryKey: keys.roles(), queryFn: () => unwrap(client.GET("/api/v1/roles")) });
export const permissionsOptions = (client: Client = api) => ({ queryKey: keys.permissions(), queryFn: () => unwrap(client.GET("/api/v1/permissions")) });

import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";

type Client = Pick<typeof api, "GET">;
export const sessionsOptions = (client: Client = api) => ({ queryKey: keys.sessions(), queryFn: () => unwrap(client.GET("/api/v1/sessions")) });
export const endSession = (id: string) => unwrap(api.DELETE("/api/v1/sessions/{id}", { params: { path: { id } } }));
export const endOthers = () => unwrap(api.DELETE("/api/v1/sessions"));
export const saveProfile = (body: Schema["ProfileBody"]) => unwrap(api.PATCH("/api/v1/me", { body }));

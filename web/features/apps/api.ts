import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";

type Client = Pick<typeof api, "GET">;
export type StackProject = Schema["StackProjectView"];

export const projectOptions = (client: Client = api) => ({ queryKey: keys.stackProject(), queryFn: () => unwrap(client.GET("/api/v1/stack-project")) });
export const makeSecretKey = () => unwrap(api.POST("/api/v1/stack-project/secret-keys"));
export const revokePreviousKey = () => unwrap(api.DELETE("/api/v1/stack-project/secret-keys/previous"));

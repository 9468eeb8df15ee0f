import { api, type Query, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { pageOptions } from "@/lib/pages";
import { keys } from "@/lib/query-keys";

type Client = Pick<typeof api, "GET">;
export type HostedState = Schema["HostedStateView"];
export type HostedProject = Schema["HostedProjectView"];
export type HostedEvent = Schema["HostedEventView"];
export type Run = Schema["RunView"];
export type Drift = Schema["DriftView"];
export type Rule = Schema["Rule"];

export const hostedOptions = (client: Client = api) => ({ queryKey: keys.hosted.state(), queryFn: () => unwrap(client.GET("/api/v1/hosted-stack")) });
export const eventsOptions = (state: string, client: Client = api) =>
  pageOptions(keys.hosted.events(state), (cursor) =>
    unwrap(client.GET("/api/v1/hosted-stack/events", { params: { query: { ...(state ? ({ state } as Query<"hosted_events">) : {}), ...(cursor ? { cursor } : {}), limit: 10 } } })),
  );
export const driftOptions = (run: string, client: Client = api) =>
  pageOptions(keys.hosted.drift(run), (cursor) =>
    unwrap(client.GET("/api/v1/hosted-stack/reconciliations/{id}/drift", { params: { path: { id: run }, query: { ...(cursor ? { cursor } : {}), limit: 20 } } })),
  );
export const rolesOptions = (client: Client = api) => ({ queryKey: keys.roles(), queryFn: () => unwrap(client.GET("/api/v1/roles")) });

export const connect = (body: Schema["HostedProjectBody"]) => unwrap(api.PUT("/api/v1/hosted-stack", { body }));
export const disconnect = () => unwrap(api.DELETE("/api/v1/hosted-stack"));
export const check = () => unwrap(api.POST("/api/v1/hosted-stack/check"));
export const compare = (mends: boolean) => unwrap(api.POST("/api/v1/hosted-stack/reconciliations", { body: { mends } }));
export const retryEvent = (id: string) => unwrap(api.POST("/api/v1/hosted-stack/events/{id}/retry", { params: { path: { id } } }));

/** Why somebody could not be taken over, in words. */
const reasons: Record<string, string> = {
  email_unverified: "Has not proved the address there yet",
  email_missing: "Has no address there",
  email_invalid: "The address is none that mail can be sent to",
  email_taken: "Somebody else here has the address",
  account_exists: "There is an account with the address here, which is not theirs to take",
  account_linked: "The account here stands for somebody else there",
  sign_up_closed: "New accounts are not made for its people",
  last_owner: "The last owner stays",
};
export const reason = (code: string): string => reasons[code] ?? code;

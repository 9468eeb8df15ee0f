import { api, type Schema } from "./api/client";
import { unwrap } from "./api/problem";
import { keys } from "./query-keys";

export type Tier = Schema["TierView"];
export type Membership = Schema["MembershipView"];
type Client = Pick<typeof api, "GET">;

/** Every tier, the archived last: for whoever minds them, and for whoever writes to one. */
export const tiersOptions = (client: Client = api) => ({
  queryKey: keys.tiers.list(),
  queryFn: () => unwrap(client.GET("/api/v1/tiers")),
});

/** What whoever is signed in holds. */
export const myMembershipOptions = (client: Client = api) => ({
  queryKey: keys.tiers.membership("me"),
  queryFn: () => unwrap(client.GET("/api/v1/me/membership")),
});

/** What a tier opens, as people read it: "Coached hours a month: 8". */
export const opened = (feature: { name: string; amount?: number | null }): string => (feature.amount ? `${feature.name}: ${feature.amount.toLocaleString("en")}` : feature.name);

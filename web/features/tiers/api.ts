import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";

export type Feature = Schema["FeatureView"];
type Client = Pick<typeof api, "GET">;

export const featuresOptions = (client: Client = api) => ({
  queryKey: keys.tiers.features(),
  queryFn: () => unwrap(client.GET("/api/v1/features")),
});

export const membershipOptions = (user: string, client: Client = api) => ({
  queryKey: keys.tiers.membership(user),
  queryFn: () => unwrap(client.GET("/api/v1/users/{id}/membership", { params: { path: { id: user } } })),
});

export const createTier = (body: Schema["NewTierBody"]) => unwrap(api.POST("/api/v1/tiers", { body }));
export const changeTier = (id: string, body: Schema["TierBody"]) => unwrap(api.PUT("/api/v1/tiers/{id}", { params: { path: { id } }, body }));
export const setPrice = (id: string, interval: Schema["Interval"], body: Schema["PriceBody"]) => unwrap(api.PUT("/api/v1/tiers/{id}/prices/{interval}", { params: { path: { id, interval } }, body }));
export const dropPrice = (id: string, interval: Schema["Interval"]) => unwrap(api.DELETE("/api/v1/tiers/{id}/prices/{interval}", { params: { path: { id, interval } } }));
export const putFeature = (key: string, body: Schema["FeatureBody"]) => unwrap(api.PUT("/api/v1/features/{key}", { params: { path: { key } }, body }));
export const deleteFeature = (key: string) => unwrap(api.DELETE("/api/v1/features/{key}", { params: { path: { key } } }));
export const grant = (user: string, body: Schema["GrantBody"]) => unwrap(api.PUT("/api/v1/users/{id}/membership", { params: { path: { id: user } }, body }));
export const endSubscription = (user: string) => unwrap(api.DELETE("/api/v1/users/{id}/subscription", { params: { path: { id: user } } }));
export const revoke = (user: string) => unwrap(api.DELETE("/api/v1/users/{id}/membership", { params: { path: { id: user } } }));

/** A key made from a name, as a suggestion: "Trial month" becomes "trial-month". */
export const keyOf = (name: string): string =>
  name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, 40);

import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schema = components["schemas"];

/** Calls the server from the browser. Cookies travel by themselves and the server renews them; there is nothing to refresh here. */
export const api = createClient<paths>({ baseUrl: "" });

import createClient from "openapi-fetch";
import { place } from "@/lib/acting";
import { confirmation } from "@/lib/confirm";
import type { components, operations, paths } from "./schema";

export type Schema = components["schemas"];
/** What an operation may be asked. */
export type Query<Operation extends keyof operations> = NonNullable<operations[Operation]["parameters"]["query"]>;

/** Calls the server from the browser. Cookies travel by themselves and the server renews them; there is nothing to refresh here. */
export const api = createClient<paths>({ baseUrl: "" });
api.use(place, confirmation);

import type { Middleware } from "openapi-fetch";
import { createStore } from "./plain-store";

/** Why the page is no longer whom it was loaded as: the time is over, or another tab of this browser began or ended something. */
export const changed = createStore<"over" | "elsewhere" | null>(null);

const CHANNEL = "portico-acting";
let as: string | undefined;

/**
 * Says as whom this page was loaded, with each request from now on; the server refuses what was meant for somebody else. The
 * cookie belongs to the whole browser, so the other tabs are told and tell. Returns what stops listening.
 */
export function pageIs(acting: string | null): () => void {
  as = acting ?? "none";
  if (typeof BroadcastChannel === "undefined") return () => undefined;
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = ({ data }: MessageEvent<string>) => {
    if (data !== as) changed.set(acting ? "over" : "elsewhere");
    else if (changed.get() === "elsewhere") changed.set(null);
  };
  return () => channel.close();
}

/** Tells the other tabs whom this browser acts for by now. */
export function tellTabs(acting: string | null): void {
  as = undefined;
  if (typeof BroadcastChannel === "undefined") return;
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(acting ?? "none");
  channel.close();
}

export const place: Middleware = {
  onRequest({ request }) {
    if (as) request.headers.set("x-portico-acting", as);
  },
  async onResponse({ response }) {
    if (response.status !== 403 && response.status !== 409) return;
    const problem = (await response.clone().json().catch(() => null)) as { code?: string } | null;
    if (problem?.code === "impersonation_over") changed.set("over");
    if (problem?.code === "impersonation_elsewhere") changed.set("elsewhere");
  },
};

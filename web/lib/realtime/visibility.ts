import type { RealtimeClient } from "@supabase/realtime-js";

let told = 0;

/**
 * Tells the server whether this tab is looked at. Somebody whose tabs are all hidden is away after a while, though their
 * connections are open; whoever has one open tab in front of them is online.
 */
export function tellVisibility(client: RealtimeClient): void {
  if (!client.isConnected()) return;
  told += 1;
  client.push({ topic: "phoenix", event: "visibility", payload: { hidden: document.hidden }, ref: `visibility-${told}` });
}

/** Tells it whenever that changes, too. */
export function followVisibility(client: RealtimeClient): void {
  document.addEventListener("visibilitychange", () => tellVisibility(client));
}

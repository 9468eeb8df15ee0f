import type { RealtimeClient } from "@supabase/realtime-js";

/**
 * Tells the server whether this tab is looked at. Somebody whose tabs are all hidden is away after a while, though their
 * connections are open; whoever has one open tab in front of them is online.
 */
export function tellVisibility(client: RealtimeClient): void {
  const tell = () => {
    if (!client.isConnected()) return;
    client.push({ topic: "phoenix", event: "visibility", payload: { hidden: document.hidden }, ref: client._makeRef() });
  };
  client.socketAdapter.onOpen(tell);
  document.addEventListener("visibilitychange", tell);
}

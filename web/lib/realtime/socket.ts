import type { RealtimeChannel, RealtimeClient } from "@supabase/realtime-js";
import { createStore } from "@/lib/store";
import { followVisibility, tellVisibility } from "./visibility";

export interface Change {
  type: "INSERT" | "UPDATE" | "DELETE";
  table: string;
  record: Record<string, unknown>;
  old: Record<string, unknown>;
}
export interface Binding {
  schema: string;
  table: string;
  filter?: string;
}
export interface Listener {
  /** Every listed change, one call each. */
  onChange: (change: Change) => void;
  /** What happened before may have been missed: nobody said where the page stood, or the server cannot say what came after. Read again. */
  onSync: () => void;
}
export type Liveness = "connecting" | "live" | "reconnecting";

/** State of this tab's one connection; `since` is when the data was last known to be live. */
export const liveness = createStore<{ state: Liveness; since: number | null }>({ state: "connecting", since: null });

const joined = new Map<symbol, boolean>();
let client: Promise<RealtimeClient> | undefined;

function publish(): void {
  const all = [...joined.values()].every(Boolean);
  const before = liveness.get();
  if (all && joined.size) liveness.set({ state: "live", since: Date.now() });
  else if (before.state === "live") liveness.set({ state: "reconnecting", since: Date.now() });
}

/** When to try again, never at the moment at which everybody else does: after a restart all tabs are cut off at once. */
const scattered = (tries: number) => ([1_000, 2_000, 5_000][tries - 1] ?? 10_000) * (0.5 + Math.random());

/** The library is fetched only by a page that is live, after the page itself. */
function connect(): Promise<RealtimeClient> {
  client ??= import("@supabase/realtime-js").then(({ RealtimeClient: Client }) => {
    const base = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}`;
    // The session cookie says who this is; the client refuses to start without some key.
    const made = new Client(`${base}/realtime/v1`, { params: { apikey: "cookie" }, reconnectAfterMs: scattered });
    followVisibility(made);
    return made;
  });
  return client;
}

/** What the server says of where this channel stands; not part of the protocol, and left through by the client. */
interface Standing {
  extension?: string;
  status?: string;
  cursor?: string;
}

/**
 * Listens to rows over the tab's one socket until the returned function is called. The channel goes on from where the page was read,
 * and after an interruption from the last cursor it was told: the server tells what came after, as changes, and says so when it cannot.
 */
export function listen(topic: string, bindings: readonly Binding[], listener: Listener, read?: string): () => void {
  const id = Symbol(topic);
  let channel: RealtimeChannel | undefined;
  let ended = false;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let since = read;
  joined.set(id, false);

  async function open(): Promise<void> {
    const socket = await connect();
    if (ended) return;
    const made = socket.channel(topic);
    channel = made;
    for (const binding of bindings) {
      made.on("postgres_changes", { event: "*", ...binding }, (payload) => {
        listener.onChange({ type: payload.eventType, table: payload.table, record: payload.new, old: payload.old });
      });
    }
    made.updateJoinPayload({ resume: since ? { since } : {} });
    made.on("system", {}, (payload: unknown) => {
      const standing = payload as Standing;
      if (ended || channel !== made || standing.extension !== "resume") return;
      if (standing.status === "ok" && standing.cursor) {
        since = standing.cursor;
        made.updateJoinPayload({ resume: { since } });
      } else listener.onSync();
    });
    made.subscribe((state) => {
      const status: string = state;
      if (ended || channel !== made) return;
      joined.set(id, status === "SUBSCRIBED");
      publish();
      // A new connection knows nothing of this tab.
      if (status === "SUBSCRIBED") tellVisibility(socket);
      // With a cursor the server tells what was missed; without one it is read again.
      if (status === "SUBSCRIBED" && !since) listener.onSync();
      // The client never rejoins a channel that the server closed; everything else it retries itself.
      else if (status === "CLOSED") retry = setTimeout(() => void open(), 2_000);
    });
  }
  void open();

  return () => {
    ended = true;
    clearTimeout(retry);
    joined.delete(id);
    publish();
    if (channel) void channel.unsubscribe();
  };
}

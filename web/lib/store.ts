import { useSyncExternalStore } from "react";
import type { Store } from "./plain-store";

export { createStore, type Store } from "./plain-store";

/** Reads a store; `server` is what the server rendered, used until the page has become interactive. */
export function useStore<T>(store: Store<T>, server: T): T {
  return useSyncExternalStore(store.subscribe, store.get, () => server);
}

"use client";
import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useEffect, useRef } from "react";
import type { Schema } from "@/lib/api/client";
import { keys } from "@/lib/query-keys";
import { sinceOf } from "@/lib/realtime/cursor";
import { useLiveQuery } from "@/lib/realtime/use-live";
import { useMe } from "./use-me";

type Me = Schema["MeView"];

/** A server is told of a change twice, by the stream and for its cache; another server may have heard only the first when it is asked. */
const SETTLED = 2_000;

/** What decides which pages there are for somebody. */
const rights = ({ landing, permissions, second_factor_due }: Me) => JSON.stringify([landing, [...permissions].sort(), second_factor_due]);

/** Who is signed in, and live: their name, picture and rights, wherever those are changed, and what waits for them. */
export function useLiveMe(initial: Me): Me {
  const client = useQueryClient();
  const router = useRouter();
  const data = useMe(initial);
  const again = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(again.current), []);
  // The answer says no place in the stream: it is kept by the server, and asked for with every page. So it is read once more when the
  // channel stands, and whoever changes roles joins a new one.
  useLiveQuery(
    `account-${data.roles.join("-")}`,
    [
      { schema: "identity", table: "users", filter: `id=eq.${data.id}` },
      { schema: "identity", table: "profiles", filter: `user_id=eq.${data.id}` },
      ...(data.roles.length ? [{ schema: "identity", table: "roles", filter: `name=in.(${data.roles.join(",")})` }] : []),
    ],
    () => {
      const read = () => client.invalidateQueries({ queryKey: keys.me() });
      clearTimeout(again.current);
      again.current = setTimeout(() => void read(), SETTLED);
      return read();
    },
  );
  useLiveQuery(
    "me",
    { schema: "updates", table: "recipients", filter: `user_id=eq.${data.id}` },
    () => client.invalidateQueries({ queryKey: keys.feed.waiting() }),
    sinceOf(client.getQueryData(keys.feed.waiting())),
  );
  // With other rights there are other pages: the server says what becomes of the one that is open.
  const now = rights(data);
  const shown = useRef(now);
  useEffect(() => {
    if (shown.current === now) return;
    shown.current = now;
    router.refresh();
  }, [now, router]);
  return data;
}

"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";
import { sinceOf } from "@/lib/realtime/cursor";
import { useLiveQuery } from "@/lib/realtime/use-live";

/** Who is signed in, and live what waits for them. */
export function useMe(initial: Schema["MeView"]): Schema["MeView"] {
  const client = useQueryClient();
  const { data } = useQuery({ queryKey: keys.me(), queryFn: () => unwrap(api.GET("/api/v1/me")), initialData: initial });
  useLiveQuery(
    "me",
    { schema: "updates", table: "recipients", filter: `user_id=eq.${initial.id}` },
    () => client.invalidateQueries({ queryKey: keys.feed.waiting() }),
    sinceOf(client.getQueryData(keys.feed.waiting())),
  );
  return data;
}

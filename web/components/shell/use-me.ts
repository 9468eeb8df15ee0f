"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";
import { useLive } from "@/lib/realtime/use-live";

/** Who is signed in, kept true live: so is what waits for them. */
export function useMe(initial: Schema["MeView"]): Schema["MeView"] {
  const client = useQueryClient();
  const { data } = useQuery({ queryKey: keys.me(), queryFn: () => unwrap(api.GET("/api/v1/me")), initialData: initial });
  useLive("me", { schema: "updates", table: "recipients", filter: `user_id=eq.${initial.id}` }, () => {
    void client.invalidateQueries({ queryKey: keys.feed.waiting() });
  });
  return data;
}

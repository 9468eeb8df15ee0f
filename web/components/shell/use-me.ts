"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";
import { useLive } from "@/lib/realtime/use-live";

/** Who is signed in, kept true live: the count of unread updates changes with the member's own receipts. */
export function useMe(initial: Schema["Me"]): Schema["Me"] {
  const client = useQueryClient();
  const { data } = useQuery({ queryKey: keys.me(), queryFn: () => unwrap(api.GET("/api/v1/me")), initialData: initial });
  useLive("me", { schema: "updates", table: "recipients", filter: `user_id=eq.${initial.id}` }, () => {
    void client.invalidateQueries({ queryKey: keys.me() });
  });
  return data;
}

"use client";
import { useQuery } from "@tanstack/react-query";
import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";

/** Who is signed in, as the frame of the page keeps it true (`use-live-me.ts`). */
export function useMe(initial: Schema["MeView"]): Schema["MeView"] {
  return useQuery({ queryKey: keys.me(), queryFn: () => unwrap(api.GET("/api/v1/me")), initialData: initial }).data;
}

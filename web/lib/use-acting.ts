"use client";
import { useQuery } from "@tanstack/react-query";
import { api, type Schema } from "./api/client";
import { unwrap } from "./api/problem";
import { keys } from "./query-keys";

/** Who really acts on this page, if somebody of the staff does so in the member's place. The frame of the page has asked already. */
export function useActing(): Schema["ActingView"] | null {
  const { data } = useQuery({ queryKey: keys.me(), queryFn: () => unwrap(api.GET("/api/v1/me")), enabled: false });
  return data?.acting ?? null;
}

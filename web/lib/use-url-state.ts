"use client";
import { useSearchParams } from "next/navigation";
import { useCallback } from "react";

/** State that belongs in the address: a reload, a bookmark and a copied link keep it. An empty value leaves the address. */
export function useUrlState() {
  const params = useSearchParams();
  const set = useCallback(
    (changes: Record<string, string | undefined>, how: "push" | "replace" = "replace") => {
      const next = new URLSearchParams(params);
      for (const [key, value] of Object.entries(changes)) {
        if (value) next.set(key, value);
        else next.delete(key);
      }
      const query = next.toString();
      const url = query ? `?${query}` : location.pathname;
      if (how === "push") history.pushState(null, "", url);
      else history.replaceState(null, "", url);
    },
    [params],
  );
  return [params, set] as const;
}

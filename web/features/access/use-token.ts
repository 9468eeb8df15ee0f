"use client";
import { useEffect, useState } from "react";
import { ApiError } from "@/lib/api/problem";
import { useFragment } from "./use-fragment";

type Looked<T> = { kind: "loading" } | { kind: "missing" } | { kind: "refused"; message: string } | { kind: "ready"; token: string; what: T };

/** What the link in a mail stands for. Looking at it does not use it up: mail scanners open links too. */
export function useToken<T>(look: (token: string) => Promise<T>): Looked<T> {
  const token = useFragment();
  const [state, setState] = useState<Looked<T>>({ kind: "loading" });
  useEffect(() => {
    if (!token) return;
    let left = false;
    look(token).then(
      (what) => left || setState({ kind: "ready", token, what }),
      (error: unknown) => left || setState({ kind: "refused", message: error instanceof ApiError ? error.message : "The link could not be checked." }),
    );
    return () => {
      left = true;
    };
  }, [token, look]);
  return token === "" ? { kind: "missing" } : state;
}

"use client";
import { useState, type SubmitEvent } from "react";
import { ApiError } from "./api/problem";

/** Sends a form once at a time and keeps the server's word about each field. The server validates; this shows it in its place. */
export function useSubmit<T>(run: (form: FormData) => Promise<T>, done: (answer: T) => void) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);

  async function send(element: HTMLFormElement): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      done(await run(new FormData(element)));
    } catch (cause) {
      const failed = cause instanceof ApiError ? cause : new ApiError(0, "unexpected", "Something unexpected happened. What you typed is still here; try again.");
      setError(failed);
      // The first field that was refused takes the focus, so that a keyboard or a screen reader lands on it.
      const first = [...element.elements].find((e) => e instanceof HTMLElement && failed.fields[e.getAttribute("name") ?? ""]);
      if (first instanceof HTMLElement) first.focus();
    } finally {
      setBusy(false);
    }
  }
  return {
    busy,
    error,
    fields: error?.fields ?? {},
    onSubmit: (event: SubmitEvent<HTMLFormElement>) => {
      event.preventDefault();
      if (!busy) void send(event.currentTarget);
    },
  };
}

/** A field of a form as text; a missing one is empty. */
export function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}

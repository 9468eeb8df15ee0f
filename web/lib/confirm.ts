import type { Middleware } from "openapi-fetch";
import { createStore } from "./plain-store";

interface Question {
  answer: (confirmed: boolean) => void;
}

/** The question "is it you?", while it is open. The dialog that asks it lies in `components/confirm-identity`. */
export const question = createStore<Question | null>(null);
let askers = 0;

/** Called by the dialog while it is on the page: where nobody can ask, a refusal stays a refusal. */
export function asks(): () => void {
  askers += 1;
  return () => {
    askers -= 1;
  };
}

let open: Promise<boolean> | null = null;

/** Asks once, however many requests wait for the answer. */
function ask(): Promise<boolean> {
  if (!askers) return Promise.resolve(false);
  open ??= new Promise<boolean>((resolve) => {
    question.set({
      answer: (confirmed) => {
        open = null;
        question.set(null);
        resolve(confirmed);
      },
    });
  });
  return open;
}

const sent = new Map<string, Request>();

/** What asks for a recent proof of who somebody is opens the question by itself, and is sent again after it. */
export const confirmation: Middleware = {
  onRequest({ request, id }) {
    if (request.method !== "GET") sent.set(id, request.clone());
  },
  async onResponse({ response, id }) {
    const request = sent.get(id);
    sent.delete(id);
    if (response.status !== 403 || !request) return undefined;
    const problem = (await response.clone().json().catch(() => null)) as { code?: string } | null;
    if (problem?.code !== "confirmation_required" || !(await ask())) return undefined;
    return fetch(request);
  },
  onError({ id }) {
    sent.delete(id);
  },
};

"use client";
import { CircleAlert, CircleCheck, X } from "lucide-react";
import { createStore, useStore } from "@/lib/store";
import { Button } from "./button";

interface Toast {
  id: number;
  text: string;
  tone: "done" | "error";
  action?: { label: string; run: () => void };
}
const none: readonly Toast[] = [];
const toasts = createStore(none);
let last = 0;

export function dismiss(id: number): void {
  toasts.set(toasts.get().filter((t) => t.id !== id));
}

/** Says what happened, at the foot of the page. An error stays until it is closed. */
export function toast(text: string, options: { tone?: Toast["tone"]; action?: Toast["action"] } = {}): void {
  const made: Toast = { id: ++last, text, tone: options.tone ?? "done", ...(options.action ? { action: options.action } : {}) };
  toasts.set([...toasts.get().slice(-2), made]);
  if (made.tone === "done") setTimeout(() => dismiss(made.id), 6_000);
}

/** Written here because the usual library injects a stylesheet at run time, which the content security policy forbids. */
export function Toaster() {
  const list = useStore(toasts, none);
  return (
    <div role="region" aria-label="Messages" aria-live="polite" className="pointer-events-none fixed inset-x-4 bottom-4 z-50 flex flex-col items-end gap-2">
      {list.map((t) => (
        <div key={t.id} data-slot="toast" className="pointer-events-auto flex max-w-full items-center gap-3 rounded-card border border-border bg-surface py-2 pr-2 pl-4 text-14 shadow-float">
          {t.tone === "done" ? <CircleCheck aria-hidden className="size-4 shrink-0 text-success" /> : <CircleAlert aria-hidden className="size-4 shrink-0 text-danger" />}
          <span className="min-w-0">{t.text}</span>
          {t.action ? (
            <Button variant="link" size="sm" onClick={t.action.run}>
              {t.action.label}
            </Button>
          ) : null}
          <Button variant="ghost" size="iconSm" aria-label="Dismiss" onClick={() => dismiss(t.id)}>
            <X aria-hidden />
          </Button>
        </div>
      ))}
    </div>
  );
}

"use client";
import { useLiveness } from "@/lib/realtime/use-live";
import { cn } from "@/lib/cn";

const words = { connecting: "connecting", live: "live", reconnecting: "reconnecting" } as const;

/** Says quietly whether what is shown is live; while it is not, of when it is. */
export function LiveIndicator({ className }: { className?: string }) {
  const { state, since } = useLiveness();
  const at = state === "reconnecting" && since ? new Date(since).toLocaleTimeString("en-GB", { timeStyle: "short" }) : null;
  return (
    <span role="status" data-slot="live" data-state={state} className={cn("inline-flex items-center gap-1.5 text-12 text-muted", className)}>
      <span className={cn("size-1.5 rounded-full", state === "live" ? "pulse-quiet bg-success" : state === "reconnecting" ? "bg-warning" : "bg-control")} />
      {words[state]}
      {at ? `, as of ${at}` : null}
    </span>
  );
}

import { CircleAlert, CircleCheck } from "lucide-react";
import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

/** A word about what just happened, at the top of the page that it led to. */
export function Notice({ children, tone = "warning" }: { children: ReactNode; tone?: "warning" | "success" }) {
  const Icon = tone === "success" ? CircleCheck : CircleAlert;
  return (
    <p
      role="status"
      data-slot="notice"
      className={cn("flex items-start gap-2 rounded-control px-3 py-2.5 text-14", tone === "success" ? "bg-success/10 text-success" : "bg-warning/12 text-ink")}
    >
      <Icon aria-hidden className={cn("mt-0.5 size-4 shrink-0", tone === "warning" && "text-warning")} />
      <span className="min-w-0">{children}</span>
    </p>
  );
}

import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

export function Card({ className, ...props }: ComponentProps<"div">) {
  return <div data-slot="card" className={cn("rounded-card border border-border bg-surface p-5 max-sm:p-4", className)} {...props} />;
}

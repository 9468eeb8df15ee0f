import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

export const control =
  "w-full rounded-control border border-control bg-surface text-ink transition-colors duration-150 placeholder:text-muted disabled:opacity-55 aria-invalid:border-danger focus-visible:outline-offset-0";

export function Input({ className, type = "text", ...props }: ComponentProps<"input">) {
  return <input data-slot="input" type={type} className={cn(control, "h-9 px-3", className)} {...props} />;
}

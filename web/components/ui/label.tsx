import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

export function Label({ className, children, ...props }: ComponentProps<"label">) {
  return (
    <label data-slot="label" className={cn("text-13 font-medium text-ink", className)} {...props}>
      {children}
    </label>
  );
}

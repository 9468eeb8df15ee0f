import { ChevronDown } from "lucide-react";
import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";
import { control } from "./input";

/** The browser's own list: it works by keyboard and on a phone as people know it, and costs nothing. */
export function Select({ className, children, ...props }: ComponentProps<"select">) {
  return (
    <span className={cn("relative inline-flex max-w-full min-w-0", className)}>
      <select data-slot="select" className={cn(control, "h-9 appearance-none truncate pr-8 pl-3")} {...props}>
        {children}
      </select>
      <ChevronDown aria-hidden className="pointer-events-none absolute top-2.5 right-2.5 size-4 text-muted" />
    </span>
  );
}

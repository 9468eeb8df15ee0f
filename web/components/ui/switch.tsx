import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

/** On or off, at once: a checkbox that says so to screen readers. */
export function Switch({ className, ...props }: Omit<ComponentProps<"input">, "type" | "role">) {
  return (
    <input
      data-slot="switch"
      type="checkbox"
      role="switch"
      className={cn(
        "relative h-5 w-9 shrink-0 appearance-none rounded-full bg-control transition-colors duration-150 checked:bg-primary disabled:opacity-55",
        "before:absolute before:top-0.5 before:left-0.5 before:size-4 before:rounded-full before:bg-surface before:transition-transform before:duration-150 checked:before:translate-x-4",
        className,
      )}
      {...props}
    />
  );
}

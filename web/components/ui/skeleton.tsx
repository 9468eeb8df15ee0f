import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

/** The shape of what is being fetched; give it the size of the thing, so that nothing shifts. */
export function Skeleton({ className, ...props }: ComponentProps<"div">) {
  return <div aria-hidden data-slot="skeleton" className={cn("pulse-quiet rounded-chip bg-raised", className)} {...props} />;
}

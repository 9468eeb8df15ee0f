import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";
import { control } from "./input";

export function Textarea({ className, ...props }: ComponentProps<"textarea">) {
  return <textarea data-slot="textarea" className={cn(control, "field-sizing-content min-h-40 px-3 py-2 text-16", className)} {...props} />;
}

import { Check } from "lucide-react";
import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

export function Checkbox({ className, ...props }: Omit<ComponentProps<"input">, "type">) {
  return (
    <span className={cn("relative inline-flex size-4 shrink-0", className)}>
      <input
        data-slot="checkbox"
        type="checkbox"
        className="peer size-4 appearance-none rounded-[4px] border border-control bg-surface checked:border-primary checked:bg-primary disabled:opacity-55"
        {...props}
      />
      <Check aria-hidden className="pointer-events-none absolute inset-0 hidden size-4 p-px text-on-primary peer-checked:block" />
    </span>
  );
}

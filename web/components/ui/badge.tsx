import { cva, type VariantProps } from "class-variance-authority";
import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

const badgeVariants = cva("inline-flex items-center gap-1 rounded-chip px-1.5 py-0.5 text-12 font-medium whitespace-nowrap [&_svg]:size-3", {
  variants: {
    tone: {
      neutral: "bg-raised text-muted",
      primary: "bg-primary/12 text-primary",
      accent: "bg-accent/14 text-accent-ink",
      success: "bg-success/12 text-success",
      warning: "bg-warning/10 text-[color-mix(in_oklab,var(--ds-warning)_78%,var(--ds-ink))]",
      danger: "bg-danger/10 text-danger",
    },
  },
  defaultVariants: { tone: "neutral" },
});

/** A state, always in words. */
export function Badge({ className, tone, ...props }: ComponentProps<"span"> & VariantProps<typeof badgeVariants>) {
  return <span data-slot="badge" className={cn(badgeVariants({ tone }), className)} {...props} />;
}

import { cva, type VariantProps } from "class-variance-authority";
import { Slot } from "radix-ui";
import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

export const buttonVariants = cva(
  "inline-flex shrink-0 items-center justify-center gap-2 rounded-control font-medium whitespace-nowrap transition-colors duration-150 select-none disabled:opacity-55 aria-busy:cursor-progress [&_svg]:size-4 [&_svg]:shrink-0",
  {
    variants: {
      variant: {
        primary: "bg-primary text-on-primary hover:bg-primary/90",
        secondary: "border border-control/60 bg-surface text-ink hover:bg-raised",
        ghost: "text-ink hover:bg-raised",
        danger: "bg-danger text-on-danger hover:bg-danger/90",
        link: "text-primary underline-offset-4 hover:underline",
      },
      size: { sm: "h-8 px-3 text-13", md: "h-9 px-4 text-14", lg: "h-11 px-6 text-16", icon: "size-9", iconSm: "size-8", inline: "h-auto p-0" },
    },
    defaultVariants: { variant: "primary", size: "md" },
  },
);

type Props = ComponentProps<"button"> & VariantProps<typeof buttonVariants> & { asChild?: boolean; busy?: boolean };

/** An action. While `busy` it keeps its width and its place, and does not act twice. */
export function Button({ className, variant, size, asChild = false, busy = false, disabled, type, ...props }: Props) {
  const Comp = asChild ? Slot.Root : "button";
  const own = asChild ? {} : { type: type ?? ("button" as const), disabled: Boolean(disabled) || busy };
  return <Comp data-slot="button" aria-busy={busy || undefined} className={cn(buttonVariants({ variant, size }), className)} {...own} {...props} />;
}

import { cva, type VariantProps } from "class-variance-authority";
import { cn } from "@/lib/cn";
import { initials, personColour } from "@/lib/people";

// Written out so that the stylesheet's generator sees them; the test holds them to the tokens.
export const COLOURS = ["bg-person-0", "bg-person-1", "bg-person-2", "bg-person-3", "bg-person-4", "bg-person-5", "bg-person-6", "bg-person-7"] as const;

const avatarVariants = cva("inline-flex shrink-0 items-center justify-center rounded-full font-medium text-[oklch(0.99_0.003_85)] select-none", {
  variants: { size: { sm: "size-6 text-[10px]", md: "size-8 text-12", lg: "size-12 text-16", xl: "size-20 text-26" } },
  defaultVariants: { size: "md" },
});

/** A person as a circle with their picture or initials; the name stands beside it, so it is hidden from screen readers. */
export function Avatar({ id, name, picture, size, online, className }: { id: string; name: string; picture?: string | null | undefined; online?: boolean; className?: string } & VariantProps<typeof avatarVariants>) {
  return (
    <span aria-hidden data-slot="avatar" className={cn("relative inline-flex", className)}>
      {picture ? (
        <img src={picture} alt="" className={cn(avatarVariants({ size }), "bg-raised object-cover")} />
      ) : (
        <span className={cn(avatarVariants({ size }), COLOURS[personColour(id)])}>{initials(name)}</span>
      )}
      {online === undefined ? null : <span className={cn("absolute -right-0.5 -bottom-0.5 size-2.5 rounded-full border-2 border-surface", online ? "bg-success" : "bg-control")} />}
    </span>
  );
}

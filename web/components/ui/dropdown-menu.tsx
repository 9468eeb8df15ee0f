"use client";
import { Check } from "lucide-react";
import { DropdownMenu as Menu } from "radix-ui";
import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

/** Not modal: a modal menu would lock scrolling with an injected stylesheet, which the content security policy forbids. */
export function DropdownMenu(props: ComponentProps<typeof Menu.Root>) {
  return <Menu.Root modal={false} {...props} />;
}
export const DropdownMenuTrigger = Menu.Trigger;
export const DropdownMenuRadioGroup = Menu.RadioGroup;

const item =
  "flex items-center gap-2 rounded-chip px-2 py-1.5 text-14 outline-none select-none data-[highlighted]:bg-raised data-[disabled]:opacity-55 [&_svg]:size-4 [&_svg]:text-muted";

/** Stands where its trigger does, not at the end of the body: there it would lie outside every landmark. */
export function DropdownMenuContent({ className, sideOffset = 6, align = "end", ...props }: ComponentProps<typeof Menu.Content>) {
  return (
    <Menu.Content
      data-slot="dropdown-menu"
      sideOffset={sideOffset}
      align={align}
      collisionPadding={8}
      className={cn("z-50 min-w-48 rounded-card border border-border bg-surface p-1 text-ink shadow-float", className)}
      {...props}
    />
  );
}
export function DropdownMenuItem({ className, ...props }: ComponentProps<typeof Menu.Item>) {
  return <Menu.Item className={cn(item, className)} {...props} />;
}
export function DropdownMenuRadioItem({ className, ...props }: ComponentProps<typeof Menu.RadioItem>) {
  return <Menu.RadioItem className={cn(item, "data-[state=checked]:font-medium data-[state=checked]:text-primary", className)} {...props} />;
}
export function DropdownMenuCheckboxItem({ className, children, ...props }: ComponentProps<typeof Menu.CheckboxItem>) {
  return (
    <Menu.CheckboxItem className={cn(item, "relative pl-7", className)} onSelect={(event) => event.preventDefault()} {...props}>
      <Menu.ItemIndicator className="absolute left-2">
        <Check aria-hidden />
      </Menu.ItemIndicator>
      {children}
    </Menu.CheckboxItem>
  );
}
export function DropdownMenuLabel({ className, ...props }: ComponentProps<typeof Menu.Label>) {
  return <Menu.Label className={cn("px-2 py-1.5 text-12 text-muted", className)} {...props} />;
}
export function DropdownMenuSeparator() {
  return <Menu.Separator className="-mx-1 my-1 h-px bg-border" />;
}

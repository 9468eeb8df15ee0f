import { cn } from "@/lib/cn";
import { Avatar } from "./ui/avatar";

/** A person in a row: circle, name, and a line under it. */
export function Person({ id, name, picture, detail, online, className }: { id: string; name: string; picture?: string | null | undefined; detail?: string | undefined; online?: boolean; className?: string }) {
  return (
    <span className={cn("flex min-w-0 items-center gap-3", className)}>
      <Avatar id={id} name={name} picture={picture} {...(online === undefined ? {} : { online })} />
      <span className="flex min-w-0 flex-col">
        <span className="truncate font-medium">{name}</span>
        {detail ? <span className="truncate text-13 text-muted">{detail}</span> : null}
      </span>
    </span>
  );
}

import { CircleCheck } from "lucide-react";
import Link from "next/link";
import { RelativeTime } from "@/components/relative-time";
import { Badge } from "@/components/ui/badge";
import { cn } from "@/lib/cn";
import type { FeedItem } from "./api";

function Asked({ item }: { item: FeedItem }) {
  if (!item.action) return null;
  if (!item.acknowledged_at) return <Badge tone="accent">{item.action.label}</Badge>;
  return (
    <Badge tone="success">
      <CircleCheck aria-hidden />
      {item.action.label}
    </Badge>
  );
}

/** One update in the list: what it says, from whom, and whether it is still unread. */
export function FeedRow({ item }: { item: FeedItem }) {
  const unread = !item.read_at;
  return (
    <li data-row={item.id} className="border-b border-border last:border-b-0">
      <Link href={`/updates/${item.id}`} className="group grid grid-cols-[0.5rem_minmax(0,1fr)] gap-x-3 rounded-control px-2 py-4 hover:bg-raised/60">
        <span className={cn("mt-2 size-2 rounded-full", unread && "bg-accent")}>{unread ? <span className="sr-only">Unread</span> : null}</span>
        <span className="flex min-w-0 flex-col gap-1">
          <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <span className={cn("text-16 break-words", unread ? "font-semibold" : "font-medium")}>{item.title}</span>
            <Asked item={item} />
          </span>
          <span className="line-clamp-2 break-words text-muted">{item.excerpt}</span>
          <span className="text-13 text-muted">
            {item.author.name}, <RelativeTime at={item.published_at} />
          </span>
        </span>
      </Link>
    </li>
  );
}

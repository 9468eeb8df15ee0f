import { RelativeTime } from "@/components/relative-time";
import type { User } from "./api";

/** Whether they are here and look, are here and do not, or when they last were. */
export function LastSeen({ user }: { user: Pick<User, "online" | "away" | "last_seen_at"> }) {
  if (user.online && user.away)
    return (
      <span className="inline-flex items-center gap-1.5 text-muted" data-online="true" data-away="true">
        <span className="size-2 rounded-full bg-warning" />
        Away
      </span>
    );
  if (user.online)
    return (
      <span className="inline-flex items-center gap-1.5 text-success" data-online="true">
        <span className="size-2 rounded-full bg-success" />
        Online
      </span>
    );
  return (
    <span className="text-muted" data-online="false">
      {user.last_seen_at ? <RelativeTime at={user.last_seen_at} /> : "Never"}
    </span>
  );
}

import { Progress } from "@/components/ui/progress";
import type { Update } from "./api";

/** How many have read, as a number first and a bar second. */
export function ReadProgress({ update }: { update: Pick<Update, "counts" | "title"> }) {
  const { read, recipients } = update.counts;
  return (
    <span className="flex min-w-24 flex-col gap-1.5">
      <span className="text-13 whitespace-nowrap tabular-nums">
        {read.toLocaleString("en")} of {recipients.toLocaleString("en")} read
      </span>
      <Progress value={read} max={recipients} label={`Read: ${update.title}`} />
    </span>
  );
}

import { Badge } from "@/components/ui/badge";
import type { User } from "./api";

export const STATUS_WORDS = { active: "Active", invited: "Invited", suspended: "Suspended", deleted: "In the trash" } as const;
const tones = { active: "success", invited: "warning", suspended: "danger", deleted: "neutral" } as const;

export function Status({ status }: { status: User["status"] }) {
  return <Badge tone={tones[status]}>{STATUS_WORDS[status]}</Badge>;
}

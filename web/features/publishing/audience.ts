import { roleTitle } from "@/lib/roles";
import type { Audience } from "./api";

/** Whom an update concerns, in words. */
export function audienceWords(audience: Audience): string {
  if (audience.kind === "everyone") return "Everyone";
  if (audience.kind === "role") return `Role: ${roleTitle(audience.role)}`;
  if (audience.kind === "tier") return `Tier: ${audience.tier}`;
  return audience.users.length === 1 ? "One person" : `${audience.users.length} people`;
}

export const people = (n: number): string => (n === 1 ? "1 person" : `${n.toLocaleString("en")} people`);

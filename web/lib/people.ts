import { people } from "@/design/tokens";

const letters = new Intl.Segmenter("en", { granularity: "grapheme" });
const letter = (word: string): string => letters.segment(word).containing(0)?.segment ?? "";

/** Up to two initials; a name of one word gives one. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = words[0] ?? "?";
  const last = words.length > 1 ? (words.at(-1) ?? "") : "";
  return letter(first).toUpperCase() + letter(last).toUpperCase();
}

/** The same person has the same colour on every page and every day. */
export function personColour(id: string): number {
  let hash = 2166136261;
  for (const c of id) hash = Math.imul(hash ^ (c.codePointAt(0) ?? 0), 16777619);
  return (hash >>> 0) % people.length;
}

import { expect, it } from "vitest";
import { absolute, greeting, relative } from "./time";

const now = Date.UTC(2026, 10, 22, 12, 0, 0);
it.each([
  [0, "just now"],
  [-2_000, "just now"],
  [59_000, "just now"],
  [61_000, "1 minute ago"],
  [3_600_000, "1 hour ago"],
  [86_400_000, "yesterday"],
  [3 * 86_400_000, "3 days ago"],
  [400 * 86_400_000, "last year"],
])("says what was %d ms ago", (ago, words) => {
  expect(relative(new Date(now - ago).toISOString(), now)).toBe(words);
});

it("writes a time in the zone asked for, and in UTC where the zone is unknown", () => {
  expect(absolute("2026-11-22T12:00:00Z", "Europe/Berlin")).toContain("13:00");
  expect(absolute("2026-11-22T12:00:00Z", "Nowhere/City")).toContain("12:00");
});

it("greets by the hour", () => {
  expect([2, 8, 14, 20].map(greeting)).toEqual(["Good evening", "Good morning", "Good afternoon", "Good evening"]);
});

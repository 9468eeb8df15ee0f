import { expect, it } from "vitest";
import { initials, personColour } from "./people";

it.each([
  ["Ada Novak", "AN"],
  ["Cher", "C"],
  ["  ana maría de la cruz ", "AC"],
  ["Ángel Ñandú", "ÁÑ"],
  ["", "?"],
])("gives %j the initials %s", (name, expected) => {
  expect(initials(name)).toBe(expected);
});

it("gives a person the same colour every time, and people different ones", () => {
  const ids = Array.from({ length: 400 }, (_, i) => `018f0000-0000-7000-8000-${String(i).padStart(12, "0")}`);
  expect(ids.map(personColour)).toEqual(ids.map(personColour));
  const counts = Map.groupBy(ids, personColour);
  expect(counts.size).toBe(8);
});

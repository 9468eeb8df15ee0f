import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { COLOURS } from "@/components/ui/avatar";
import { dark, light, people } from "@/design/tokens";

const tamagui = readFileSync("app/tamagui.css", "utf8");
const tailwind = readFileSync("design/theme.css", "utf8");

/** Tamagui writes each distinct value once, as --t0, --t1 …, and points the names of a theme at them. */
const values = new Map([...tamagui.matchAll(/(--t\d+):([^;}]+)/g)].map(([, name, value]) => [name ?? "", value ?? ""]));
function theme(selector: RegExp): Record<string, string> {
  const block = selector.exec(tamagui)?.[1] ?? "";
  return Object.fromEntries([...block.matchAll(/--ds-(\w+):var\((--t\d+)\)/g)].map(([, name, ref]) => [name ?? "", values.get(ref ?? "") ?? ""]));
}

describe("one source of tokens", () => {
  it("gives Tamagui's themes the tokens' colours", () => {
    expect(theme(/:root\.t_light, [^{]*\{([^}]*)\}/)).toEqual(light);
    expect(theme(/:root\.t_dark, [^{]*\{([^}]*)\}/)).toEqual(dark);
  });
  it("gives the same colours to a visitor who forces no theme", () => {
    expect(theme(/prefers-color-scheme:light\)\{\s*:root \{([^}]*)\}/)).toEqual(light);
    expect(theme(/prefers-color-scheme:dark\)\{\s*:root \{([^}]*)\}/)).toEqual(dark);
  });
  it("points every colour of Tailwind at a variable that Tamagui writes", () => {
    const used = [...tailwind.matchAll(/--color-[\w-]+: var\(--ds-(\w+)\)/g)].map((m) => m[1]);
    expect(used.sort()).toEqual(Object.keys(light).sort());
    expect(Object.keys(dark).sort()).toEqual(Object.keys(light).sort());
  });
  it("has a class for each colour of a person", () => {
    expect(COLOURS).toHaveLength(people.length);
    for (const [i, colour] of people.entries()) expect(tailwind).toContain(`--color-person-${i}: ${colour};`);
  });
});

import { createStore, useStore } from "./store";

export type Theme = "system" | "light" | "dark";
export type Density = "comfortable" | "compact";

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing still shows the choice until the page is left.
  }
}

const inBrowser = typeof window !== "undefined";
const savedTheme = inBrowser ? read("theme") : null;
const theme = createStore<Theme>(savedTheme === "light" || savedTheme === "dark" ? savedTheme : "system");
const density = createStore<Density>(inBrowser && read("density") === "compact" ? "compact" : "comfortable");

export const useTheme = () => useStore(theme, "system");
export const useDensity = () => useStore(density, "comfortable");

/** Chooses the theme; `/theme.js` applies the same choice before the first paint of the next page. */
export function setTheme(next: Theme): void {
  theme.set(next);
  write("theme", next);
  const root = document.documentElement.classList;
  root.remove("t_light", "t_dark");
  if (next !== "system") root.add(`t_${next}`);
}
export function setDensity(next: Density): void {
  density.set(next);
  write("density", next);
}

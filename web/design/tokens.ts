/**
 * The one source of every design value. Tamagui's config reads it, `scripts/tokens-css.mjs` writes Tailwind's theme from it,
 * and a test compares what both kits ended up with. It holds plain data and imports nothing.
 */
export const space = { 0: 0, 1: 4, 2: 8, 3: 12, 4: 16, 5: 20, 6: 24, 8: 32, 10: 40, 12: 48, 16: 64, 20: 80 } as const;
export const radius = { 0: 0, chip: 6, control: 8, card: 10, full: 999 } as const;
/** Named widths in pixels: prose is 66 characters of the reading size. */
export const width = { 0: 0, form: 400, prose: 620, page: 1120, wide: 1320 } as const;
export const breakpoints = { sm: 640, md: 900 } as const;

/** 12 · 13 · 14 (the application's base) · 16 (the base of reading) · 20 · 26 · 34 · 44. */
export const fontSize = { 1: 12, 2: 13, 3: 14, 4: 16, 5: 20, 6: 26, 7: 34, 8: 44 } as const;
export const lineHeight = { 1: 16, 2: 18, 3: 20, 4: 26, 5: 28, 6: 34, 7: 42, 8: 50 } as const;
export const letterSpacing = { 1: 0, 5: -0.2, 6: -0.4, 7: -0.6, 8: -0.9 } as const;
export const fontFamily = {
  body: 'var(--font-geist-sans), system-ui, "Segoe UI", sans-serif',
  mono: "var(--font-geist-mono), ui-monospace, monospace",
  display: "var(--font-fraunces), Georgia, serif",
} as const;

/** Stone, sea and terracotta, in OKLCH; text reaches 4.5:1 and the primary colour 6:1 on a surface. */
export const light = {
  bg: "oklch(0.985 0.004 85)",
  surface: "oklch(1 0 0)",
  raised: "oklch(0.970 0.005 85)",
  border: "oklch(0.900 0.007 85)",
  control: "oklch(0.620 0.012 250)",
  ink: "oklch(0.230 0.020 250)",
  muted: "oklch(0.490 0.018 250)",
  primary: "oklch(0.470 0.080 200)",
  onPrimary: "oklch(0.990 0.003 85)",
  accent: "oklch(0.600 0.130 42)",
  accentInk: "oklch(0.500 0.125 42)",
  danger: "oklch(0.530 0.190 27)",
  onDanger: "oklch(0.990 0.003 85)",
  warning: "oklch(0.550 0.110 75)",
  success: "oklch(0.500 0.110 152)",
  info: "oklch(0.500 0.130 255)",
} as const;

export type ColourName = keyof typeof light;

export const dark: Record<ColourName, string> = {
  bg: "oklch(0.170 0.012 250)",
  surface: "oklch(0.205 0.014 250)",
  raised: "oklch(0.245 0.016 250)",
  border: "oklch(0.310 0.017 250)",
  control: "oklch(0.560 0.015 250)",
  ink: "oklch(0.950 0.006 85)",
  muted: "oklch(0.720 0.012 250)",
  primary: "oklch(0.780 0.095 195)",
  onPrimary: "oklch(0.180 0.030 200)",
  accent: "oklch(0.720 0.120 45)",
  accentInk: "oklch(0.780 0.110 45)",
  danger: "oklch(0.700 0.160 25)",
  onDanger: "oklch(0.180 0.030 25)",
  warning: "oklch(0.800 0.120 80)",
  success: "oklch(0.760 0.130 155)",
  info: "oklch(0.740 0.110 250)",
};

/** Steady colours of people: chosen by a hash of the id, the same in both themes, with light text of at least 4.5:1. */
export const people = [
  "oklch(0.46 0.080 200)",
  "oklch(0.50 0.115 42)",
  "oklch(0.46 0.110 255)",
  "oklch(0.47 0.085 120)",
  "oklch(0.47 0.110 320)",
  "oklch(0.46 0.090 165)",
  "oklch(0.48 0.100 75)",
  "oklch(0.46 0.115 290)",
] as const;

/** Tamagui's view of the tokens. Read at build time only: nothing here reaches a browser. */
import { createFont, createTamagui, createTokens } from "@tamagui/core";
import { breakpoints, dark, fontFamily, fontSize, letterSpacing, light, lineHeight, radius, space, width } from "../../design/tokens.ts";

const tokens = createTokens({
  space: { ...space, true: 16 },
  size: { ...width, true: width.page },
  radius: { ...radius, true: radius.control },
  zIndex: { 0: 0, 1: 100, true: 0 },
});

const scale = {
  size: { ...fontSize, true: fontSize[3] },
  lineHeight: { ...lineHeight, true: lineHeight[3] },
  weight: { 1: "400", 5: "500", 6: "600", true: "400" },
  letterSpacing: { ...letterSpacing, true: 0 },
} as const;

export const config = createTamagui({
  tokens,
  fonts: {
    body: createFont({ family: fontFamily.body, ...scale }),
    heading: createFont({ family: fontFamily.body, ...scale }),
    display: createFont({ family: fontFamily.display, ...scale }),
  },
  themes: { light: { ...light }, dark: { ...dark } },
  media: { sm: { maxWidth: breakpoints.sm }, md: { maxWidth: breakpoints.md } },
  shorthands: {},
  settings: {
    allowedStyleValues: "somewhat-strict-web",
    autocompleteSpecificTokens: "except-special",
    shouldAddPrefersColorThemes: true,
    addThemeClassName: "html",
  },
});
export default config;

export type Conf = typeof config;
declare module "@tamagui/core" {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- Tamagui is typed by augmenting this interface
  interface TamaguiCustomConfig extends Conf {}
}

/**
 * Layout and type primitives: boxes, words and headings, nothing interactive.
 *
 * They are Tamagui `styled()` components, but every use is compiled to a plain element with classes before it is bundled, so a
 * style prop must be static, or hold one condition. Every variant stands in `test/gallery.tsx`, where both ways are compared.
 */
import { styled, Text as CoreText, View } from "@tamagui/core";

const spacing = {
  none: { gap: "$0" },
  xs: { gap: "$1" },
  sm: { gap: "$2" },
  md: { gap: "$4" },
  lg: { gap: "$6" },
  xl: { gap: "$10" },
} as const;
const pad = {
  none: { padding: "$0" },
  sm: { padding: "$2" },
  md: { padding: "$4" },
  lg: { padding: "$6" },
} as const;
const align = {
  start: { alignItems: "flex-start" },
  center: { alignItems: "center" },
  end: { alignItems: "flex-end" },
  baseline: { alignItems: "baseline" },
  stretch: { alignItems: "stretch" },
} as const;
const justify = {
  start: { justifyContent: "flex-start" },
  center: { justifyContent: "center" },
  between: { justifyContent: "space-between" },
  end: { justifyContent: "flex-end" },
} as const;
const grow = { true: { flexGrow: 1, flexShrink: 1, flexBasis: 0, minWidth: 0 } } as const;

/** A column of things. */
export const Stack = styled(View, { name: "Stack", flexDirection: "column", variants: { spacing, pad, align, justify, grow } as const });

/** A line of things, centred on their middles. */
export const Row = styled(View, {
  name: "Row",
  flexDirection: "row",
  alignItems: "center",
  variants: {
    spacing,
    pad,
    align,
    justify,
    grow,
    wraps: { true: { flexWrap: "wrap" } },
    stackOnMobile: { true: { $sm: { flexDirection: "column", alignItems: "stretch" } } },
  } as const,
});

const tone = {
  default: { color: "$ink" },
  muted: { color: "$muted" },
  primary: { color: "$primary" },
  accent: { color: "$accentInk" },
  danger: { color: "$danger" },
  success: { color: "$success" },
} as const;
const size = {
  xs: { fontSize: "$1", lineHeight: "$1" },
  sm: { fontSize: "$2", lineHeight: "$2" },
  md: { fontSize: "$3", lineHeight: "$3" },
  lg: { fontSize: "$4", lineHeight: "$4" },
  xl: { fontSize: "$5", lineHeight: "$5" },
} as const;
const weight = { regular: { fontWeight: "400" }, medium: { fontWeight: "500" }, bold: { fontWeight: "600" } } as const;

/** Words in a line. */
export const Text = styled(CoreText, {
  name: "Text",
  fontFamily: "$body",
  fontSize: "$3",
  lineHeight: "$3",
  color: "$ink",
  margin: 0,
  variants: { tone, size, weight } as const,
});

/** A paragraph of its own. */
export const Paragraph = styled(Text, { name: "Paragraph", render: "p", display: "block" });

const heading = { display: "block", fontFamily: "$heading", color: "$ink", margin: 0, fontWeight: "600" } as const;

/** The title of a page, once on each. */
export const H1 = styled(CoreText, {
  ...heading,
  name: "H1",
  render: "h1",
  fontSize: "$6",
  lineHeight: "$6",
  letterSpacing: "$6",
  variants: { tone } as const,
});
/** A section. */
export const H2 = styled(CoreText, {
  ...heading,
  name: "H2",
  render: "h2",
  fontSize: "$4",
  lineHeight: "$4",
  letterSpacing: "$1",
  variants: { tone } as const,
});
/** A part of a section. */
export const H3 = styled(CoreText, { ...heading, name: "H3", render: "h3", fontSize: "$3", lineHeight: "$3", variants: { tone } as const });

const display = { display: "block", fontFamily: "$display", color: "$ink", margin: 0, fontWeight: "500" } as const;
/** The title of a public page, in the display face. */
export const Display = styled(CoreText, {
  ...display,
  name: "Display",
  render: "h1",
  fontSize: "$8",
  lineHeight: "$8",
  letterSpacing: "$8",
  $sm: { fontFamily: "$display", fontSize: "$7", lineHeight: "$7", letterSpacing: "$7" },
  variants: { tone } as const,
});
/** A section title of a public page. */
export const Title = styled(CoreText, {
  ...display,
  name: "Title",
  render: "h2",
  fontSize: "$6",
  lineHeight: "$6",
  letterSpacing: "$6",
  variants: { tone } as const,
});
/** The heading of an empty state. */
export const Quiet = styled(CoreText, {
  ...display,
  name: "Quiet",
  render: "h2",
  fontSize: "$5",
  lineHeight: "$5",
  letterSpacing: "$5",
});
/** A large number; figures keep their width so that a tick does not move what stands beside it. */
export const Figure = styled(CoreText, {
  ...display,
  name: "Figure",
  render: "p",
  fontSize: "$7",
  lineHeight: "$7",
  letterSpacing: "$7",
  fontVariant: ["tabular-nums"],
  variants: { tone } as const,
});

/** The content of a signed-in page. */
export const Page = styled(View, {
  name: "Page",
  flexDirection: "column",
  gap: "$6",
  width: "100%",
  maxWidth: "$page",
  marginHorizontal: "auto",
  paddingHorizontal: "$8",
  paddingTop: "$8",
  paddingBottom: "$16",
  $sm: { paddingHorizontal: "$4", paddingTop: "$5", paddingBottom: "$12", gap: "$5" },
  variants: {
    measure: { form: { maxWidth: "$prose" }, prose: { maxWidth: 684 }, page: { maxWidth: "$page" }, wide: { maxWidth: "$wide" } },
  } as const,
});

/** A surface with a hairline round it. */
export const Panel = styled(View, {
  name: "Panel",
  render: "section",
  flexDirection: "column",
  gap: "$4",
  padding: "$5",
  borderRadius: "$card",
  borderWidth: 1,
  borderColor: "$border",
  borderStyle: "solid",
  backgroundColor: "$surface",
  $sm: { padding: "$4" },
  variants: {
    tone: {
      default: { backgroundColor: "$surface" },
      inset: { backgroundColor: "$raised" },
      clear: { backgroundColor: "transparent" },
    },
    grow: { true: { flexGrow: 1, flexShrink: 1, flexBasis: 0, minWidth: 0 } },
  } as const,
});

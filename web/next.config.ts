import type { NextConfig } from "next";

/** The Portico server runs this build as a child, compresses, caches and sets every security header; Next.js only renders. */
const config: NextConfig = {
  output: "standalone",
  outputFileTracingRoot: import.meta.dirname,
  poweredByHeader: false,
  compress: false,
  reactStrictMode: true,
  // Types are checked by `npm run check`, once, not again in every build.
  typescript: { ignoreBuildErrors: true },
  turbopack: {
    root: import.meta.dirname,
    rules: { "*.tsx": { condition: { not: "foreign" }, loaders: ["./scripts/tamagui-loader.cjs"] } },
  },
};
export default config;

import { createRequire } from "node:module";
import path from "node:path";
import { defineConfig, type Plugin } from "vitest/config";

type Compile = (source: string, file: string) => Promise<{ js: string } | null>;
const { compile } = createRequire(import.meta.url)("./scripts/tamagui-compile.cjs") as { compile: Compile };

/** Components are tested as they are shipped: compiled. */
const layout: Plugin = {
  name: "compile-layout",
  enforce: "pre",
  async transform(source, id) {
    const file = id.split("?")[0] ?? id;
    if (!file.endsWith(".tsx") || file.includes("node_modules")) return null;
    return (await compile(source, file))?.js ?? null;
  },
};

export default defineConfig({
  plugins: [layout],
  resolve: { alias: { "@": path.resolve(import.meta.dirname) } },
  test: { environment: "jsdom", include: ["**/*.test.{ts,tsx}"], exclude: ["node_modules/**", ".next/**", "e2e/**"], pool: "threads", maxWorkers: 2 },
});

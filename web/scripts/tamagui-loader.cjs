/** Turbopack loader: plain elements out. The rules must already stand in app/tamagui.css; in development it adds the missing ones. */
const fs = require("node:fs");
const path = require("node:path");
const { compile } = require("./tamagui-compile.cjs");

const root = path.join(__dirname, "..");
const stylesheet = path.join(root, "app/tamagui.css");
const INPUTS = ["components/layout/index.ts", "components/layout/tamagui.config.ts", "design/tokens.ts", "scripts/tamagui-compile.cjs", "package-lock.json"];

module.exports = function loader(source) {
  const done = this.async();
  for (const input of INPUTS) this.addDependency(path.join(root, input));
  compile(source, this.resourcePath)
    .then((result) => {
      if (!result) return done(null, source);
      const have = new Set(fs.readFileSync(stylesheet, "utf8").split("\n"));
      const missing = result.css.split("\n").filter((line) => line && !have.has(line));
      if (missing.length && process.env.NODE_ENV === "production")
        throw new Error(`[tamagui] ${missing.length} rules missing from app/tamagui.css (npm run generate): ${missing[0]}`);
      if (missing.length) fs.appendFileSync(stylesheet, `${missing.join("\n")}\n`);
      return done(null, result.js);
    })
    .catch(done);
};

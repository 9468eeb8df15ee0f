/** Compiled output and Tamagui's own runtime must give every element of the gallery the same tag and the same set of classes. */
const fs = require("node:fs");
const path = require("node:path");
const root = path.join(__dirname, "..");
process.chdir(root);
const esbuild = require("esbuild");
const { createElement } = require("react");
const { renderToStaticMarkup } = require("react-dom/server");
const { compile } = require("../scripts/tamagui-compile.cjs");

async function bundle(contents, outfile) {
  await esbuild.build({
    stdin: { contents, resolveDir: __dirname, loader: "tsx", sourcefile: "gallery.tsx" },
    bundle: true,
    platform: "node",
    format: "cjs",
    jsx: "automatic",
    external: ["react", "react-dom", "@tamagui/core"],
    outfile,
    logLevel: "error",
  });
  return require(path.resolve(outfile));
}

function elements(html) {
  return [...html.matchAll(/<(\w+)([^>]*)>/g)].map(([, tag, attributes]) => {
    const list = /class="([^"]*)"/.exec(attributes)?.[1] ?? "";
    return { tag, classes: new Set(list.split(" ").filter((c) => c && !/^t_/.test(c))) };
  });
}
const inside = (html) => html.slice(html.indexOf('<section id="gallery"'), html.lastIndexOf("</section>") + 10);

async function main() {
  const file = path.resolve("test/gallery.tsx");
  const source = fs.readFileSync(file, "utf8");
  const compiled = await compile(source, file, { shorten: false });
  fs.mkdirSync(".tamagui", { recursive: true });
  const plain = await bundle(compiled.js, ".tamagui/compiled.cjs");
  const exports = 'export { config } from "@ds/layout/config"; export { TamaguiProvider } from "@tamagui/core";';
  const runtime = await bundle(`${source}\n${exports}`, ".tamagui/runtime.cjs");
  let seen = 0;
  let different = 0;
  for (const on of [true, false]) {
    const a = elements(inside(renderToStaticMarkup(createElement(plain.Gallery, { on }))));
    const gallery = createElement(runtime.Gallery, { on });
    const provider = createElement(runtime.TamaguiProvider, { config: runtime.config, defaultTheme: "light" }, gallery);
    const b = elements(inside(renderToStaticMarkup(provider)));
    if (a.length !== b.length) throw new Error(`parity: ${a.length} elements compiled, ${b.length} at run time`);
    a.forEach((x, i) => {
      seen++;
      const y = b[i];
      const odd = [...x.classes].filter((c) => !y.classes.has(c)).map((c) => `+${c}`);
      odd.push(...[...y.classes].filter((c) => !x.classes.has(c)).map((c) => `-${c}`));
      if (x.tag === y.tag && !odd.length) return;
      different++;
      console.error(`element ${i} (on=${on}): ${x.tag} / ${y.tag} ${odd.join(" ")}`);
    });
  }
  console.log(`parity: ${seen} elements, ${different} differences`);
  return different ? 1 : 0;
}
main().then(
  (code) => process.exit(code),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);

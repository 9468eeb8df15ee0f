/**
 * One source file in, plain elements and atomic CSS out, or an error that says where and why. Shared by the Turbopack loader,
 * the stylesheet generator, the parity test and Vitest. Each guard below stands for a fault of the extractor (2.7.7) that
 * would otherwise give a wrong page silently; it refuses rather than falls back to run-time styling.
 */
process.env.TAMAGUI_TARGET = "web";
process.env.TAMAGUI_CSS_VARIABLE_PREFIX = "ds-";
const path = require("node:path");
const crypto = require("node:crypto");
const { createExtractor, extractToClassNames, loadTamagui } = require("@tamagui/static");
const babel = require("@babel/parser");
const traverse = require("@babel/traverse").default;

const PKG = "@ds/layout";
const ROOT = path.join(__dirname, "..");

// Attributes that the extractor should pass through instead of giving up on the element. An internal file, hence the pinned version.
const dist = path.join(path.dirname(require.resolve("@tamagui/static/package.json")), "dist/extractor/validHTMLAttributes.cjs");
const PASS = ["id", "title", "lang", "href", "htmlFor", "name", "value", "onClick", "onChange", "onSubmit", "hidden"];
for (const name of PASS) require(dist).validHTMLAttributes[name] = true;
const PLAIN = /^(aria-|data-|key$|ref$|className$|role$|tabIndex$|dir$)/;
const FONT = ["fontSize", "lineHeight", "letterSpacing"];

const options = {
  components: [PKG],
  config: "./components/layout/tamagui.config.ts",
  outputCSS: null,
  platform: "web",
  disableDebugAttr: true,
  logTimings: false,
};

const parse = (source) => babel.parse(source, { sourceType: "module", plugins: ["typescript", "jsx"] });
const isImport = (n) => n.type === "ImportDeclaration" && n.source.value === PKG && n.importKind !== "type";

function imported(ast) {
  const names = new Set();
  for (const n of ast.program.body) {
    if (isImport(n)) for (const s of n.specifiers) if (s.importKind !== "type") names.add(s.local.name);
  }
  return names;
}

function some(node, test) {
  if (!node || typeof node.type !== "string") return false;
  if (test(node)) return true;
  return Object.values(node).some((v) => (Array.isArray(v) ? v.some((x) => some(x, test)) : some(v, test)));
}
const conditional = (node) => some(node, (n) => n.type === "ConditionalExpression" || n.type === "LogicalExpression");

/** Refuses what the extractor is known to compile wrongly. */
function guard(source, names, fail) {
  traverse(source, {
    JSXOpeningElement(p) {
      if (!names.has(p.node.name.name)) return;
      let conditions = 0;
      for (const a of p.node.attributes) {
        if (a.type === "JSXSpreadAttribute") fail(a, "no spread on a layout primitive");
        const key = String(a.name.name);
        if (PASS.includes(key) || PLAIN.test(key)) continue;
        if (key === "style") fail(a, "no style prop: the content security policy forbids it");
        const value = a.value?.type === "JSXExpressionContainer" ? a.value.expression : null;
        const found = conditional(value);
        const nested = key.startsWith("$") || key.endsWith("Style");
        if (found && nested) fail(a, "no condition inside a media or pseudo prop: the media query would be dropped");
        if (found) conditions++;
        if (key.startsWith("$") && value?.type === "ObjectExpression") {
          const keys = value.properties.map((q) => q.key?.name ?? q.key?.value);
          if (keys.some((k) => FONT.includes(k)) && !keys.includes("fontFamily"))
            fail(a, "font tokens inside a media prop need fontFamily beside them: they would resolve as space tokens");
        }
      }
      if (conditions > 1) fail(p.node, "only one conditional style or variant per element: two are merged wrongly");
    },
  });
}

/** Fails if any primitive is left to run time, then removes the unused import. */
function strip(js, fail) {
  const out = parse(js);
  const left = imported(out);
  traverse(out, {
    Identifier(p) {
      if (left.has(p.node.name) && p.isReferencedIdentifier()) fail(p.node, `${p.node.name} is used as a value`);
    },
    JSXIdentifier(p) {
      if (left.has(p.node.name) && p.parent.type === "JSXOpeningElement")
        fail(null, `<${p.node.name}> stayed at run time: ${js.slice(p.parent.start, p.parent.end).slice(0, 160)}`);
    },
  });
  const drop = out.program.body.filter(isImport).sort((a, b) => b.start - a.start);
  for (const n of drop) js = js.slice(0, n.start) + js.slice(n.end);
  return js;
}

const short = new Map();
const taken = new Map();
/** A long atomic class name becomes six characters; the same rule gets the same name in every file. */
function atom(name) {
  const known = short.get(name);
  if (known) return known;
  const hash = parseInt(crypto.createHash("sha256").update(name).digest("hex").slice(0, 8), 16);
  const made = `x${hash.toString(36).slice(-5)}`;
  if (taken.has(made)) throw new Error(`[tamagui] class names collide: ${name} and ${taken.get(made)}`);
  taken.set(made, name);
  short.set(name, made);
  return made;
}

function shortenJs(js) {
  return js.replace(/"((?:is_|_|font_)[^"]*)"/g, (whole, list) => {
    if (!/^(?:[\w-]+ ?)+$/.test(list) || !/(^| )is_(View|Text)\b/.test(list)) return whole;
    const kept = list.split(" ").filter((c) => c && !(c.startsWith("is_") && !/^is_(View|Text)$/.test(c)));
    return JSON.stringify(kept.map((c) => (c.startsWith("_") ? atom(c) : c)).join(" "));
  });
}

let extractor;
async function compile(source, file, { shorten = true } = {}) {
  if (!source.includes(PKG)) return null;
  const where = path.relative(ROOT, file);
  const fail = (n, why) => {
    throw new Error(`[tamagui] ${where}:${n?.loc?.start.line ?? "?"}: ${why}`);
  };
  const ast = parse(source);
  const names = imported(ast);
  if (!names.size) return null;
  guard(ast, names, fail);
  if (!extractor) {
    await loadTamagui(options);
    extractor = createExtractor({ platform: "web" });
  }
  const result = await extractToClassNames({ extractor, source, sourcePath: file, options, shouldPrintDebug: false });
  if (!result) fail(null, "the extractor returned nothing");
  let js = strip(String(result.js), fail);
  let css = result.styles;
  if (/@tamagui\/|_TamaguiTheme/.test(js)) fail(null, "a run-time import is left in the output");
  const bad = /(font-size|line-height|letter-spacing):var\(--ds-t-[^)]*\)/.exec(css);
  if (bad) fail(null, `wrong token family: ${bad[0]}`);
  if (shorten) {
    js = shortenJs(js);
    css = css.replace(/\.(_[\w-]+)/g, (_, c) => `.${atom(c)}`);
  }
  return { js, css, stats: result.stats };
}

module.exports = { compile, options };

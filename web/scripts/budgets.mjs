/** First-load bytes of each route as a browser gets them (gzip), against the budgets; fails when one is over. Needs a build. */
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";

process.chdir(path.join(import.meta.dirname, ".."));
const KiB = 1024;
const CSS = 20;
const budgetOf = (route) => {
  if (route === "/") return 150;
  return /^\/(sign-in|sign-up|check-mail|verify|setup|\[\.\.\.missing\])/.test(route) ? 160 : 220;
};

const sizes = new Map();
function size(file) {
  if (!sizes.has(file)) sizes.set(file, gzipSync(readFileSync(path.join(".next", file)), { level: 9 }).length);
  return sizes.get(file);
}
const sum = (files) => [...files].reduce((n, file) => n + size(file), 0);

const { rootMainFiles } = JSON.parse(readFileSync(".next/build-manifest.json", "utf8"));
const routes = JSON.parse(readFileSync(".next/app-path-routes-manifest.json", "utf8"));

/** The client reference manifest of a page names what its layouts and the page itself ask a browser to fetch. */
function filesOf(entry) {
  const file = `.next/server/app${entry}_client-reference-manifest.js`;
  const scripts = new Set(rootMainFiles);
  const styles = new Set();
  if (!existsSync(file)) return { scripts, styles };
  const scope = {};
  new Function("globalThis", readFileSync(file, "utf8"))(scope);
  const manifest = Object.values(scope.__RSC_MANIFEST)[0];
  for (const list of Object.values(manifest.entryJSFiles ?? {})) for (const js of list) scripts.add(js);
  for (const list of Object.values(manifest.entryCSSFiles ?? {})) for (const css of list) styles.add(css.path);
  return { scripts, styles };
}

let over = 0;
let checked = 0;
console.log(`${"route".padEnd(24)}${"JS KiB".padStart(9)}${"of".padStart(6)}${"CSS KiB".padStart(10)}${"of".padStart(5)}`);
for (const [entry, route] of Object.entries(routes).sort((a, b) => a[1].localeCompare(b[1]))) {
  if (!entry.endsWith("/page")) continue;
  if (route.startsWith("/_")) continue;
  const { scripts, styles } = filesOf(entry);
  const js = sum(scripts) / KiB;
  const css = sum(styles) / KiB;
  const budget = budgetOf(route);
  const fail = js > budget || css > CSS;
  checked++;
  if (fail) over++;
  console.log(`${route.padEnd(24)}${js.toFixed(1).padStart(9)}${String(budget).padStart(6)}${css.toFixed(1).padStart(10)}${String(CSS).padStart(5)}${fail ? "  OVER" : ""}`);
}
if (!checked) throw new Error("no route was found: run npm run build first");
const lazy = globSync(".next/static/**/*.js").length;
console.log(`${checked} routes, ${over} over budget; ${lazy} script files in all, the rest is fetched when it is needed`);
process.exit(over ? 1 : 0);

/**
 * What Lighthouse says of the pages, measured against a release server of its own with the demo tenant.
 *
 *   node scripts/lighthouse.mjs [--rounds 3] [--only /path]
 *
 * Prints a table with the median of the rounds. It asserts nothing about time; faults of accessibility, best practices and
 * SEO on public pages do not depend on the machine, and end it with 1. Lighthouse is fetched when it is first asked for,
 * so that nobody who only runs Portico waits for it.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { parseArgs } from "node:util";
import { start } from "../e2e/portico.mjs";

const VERSION = "12.8.2";
const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" }, only: { type: "string" } } });
const rounds = Number(values.rounds);
const here = path.resolve(import.meta.dirname, "..");
const tool = path.join(here, "node_modules/.cache/lighthouse");
const reports = path.join(here, "../target/lighthouse");

// Pages behind a sign-in ask search engines to stay away, and their SEO is judged by the rest.
const PUBLIC = ["/", "/sign-in", "/sign-up"];
const MEMBER = ["/home", "/updates", "/profile", "/security"];
const STAFF = ["/admin", "/admin/users", "/admin/updates", "/admin/activity", "/admin/system"];
const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"];

function fetchTool() {
  if (existsSync(path.join(tool, `node_modules/lighthouse/package.json`))) return;
  mkdirSync(tool, { recursive: true });
  writeFileSync(path.join(tool, "package.json"), '{ "private": true }\n');
  const wanted = ["install", "--no-audit", "--no-fund", "--loglevel=error", `lighthouse@${VERSION}`, "chrome-launcher@1.2.1"];
  execFileSync("npm", wanted, { cwd: tool, stdio: "inherit", env: { ...process.env, PUPPETEER_SKIP_DOWNLOAD: "1" } });
}

/** The cookies of somebody signed in. */
async function cookies(base, email, password) {
  const answer = await fetch(`${base}/api/v1/sessions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password }),
  });
  if (!answer.ok) throw new Error(`${email} cannot sign in: ${answer.status} ${await answer.text()}`);
  return answer.headers
    .getSetCookie()
    .map((line) => line.split(";")[0])
    .join("; ");
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

fetchTool();
mkdirSync(reports, { recursive: true });
const load = createRequire(path.join(tool, "package.json"));
const { default: lighthouse, desktopConfig } = await import(load.resolve("lighthouse"));
const chromeLauncher = await import(load.resolve("chrome-launcher"));

const server = await start({ demo: true, profile: "release" });
const chrome = await chromeLauncher.launch({
  chromePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  chromeFlags: ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage"],
});

async function look(page, cookie) {
  const headers = cookie ? { Cookie: cookie } : {};
  const skipAudits = cookie ? ["is-crawlable"] : [];
  const flags = { port: chrome.port, onlyCategories: CATEGORIES, skipAudits, extraHeaders: headers, logLevel: "error" };
  const seen = [];
  // A busy machine now and then records no trace at all: that says nothing of the page.
  for (let attempt = 0; seen.length < rounds; attempt += 1) {
    const { lhr } = await lighthouse(`${server.base}${page}`, flags, desktopConfig);
    if (!lhr.runtimeError) seen.push(lhr);
    else if (attempt > rounds + 3) throw new Error(`${page}: ${lhr.runtimeError.message}`);
  }
  const last = seen.at(-1);
  writeFileSync(path.join(reports, `${page.replaceAll("/", "_")}.json`), JSON.stringify(last, null, 1));
  const score = (category) => Math.round(median(seen.map((lhr) => lhr.categories[category].score ?? 0)) * 100);
  const value = (audit) => Math.round(median(seen.map((lhr) => lhr.audits[audit].numericValue ?? 0)));
  const faults = CATEGORIES.slice(1).flatMap((category) =>
    last.categories[category].auditRefs
      .filter(({ id, weight }) => weight > 0 && last.audits[id].score !== null && last.audits[id].score < 1)
      .map(({ id }) => `${category}: ${last.audits[id].title}`),
  );
  return { page, scores: CATEGORIES.map(score), lcp: value("largest-contentful-paint"), tbt: value("total-blocking-time"), faults };
}

let flaws = 0;
try {
  const { demo_accounts: accounts } = await (await fetch(`${server.base}/api/v1/system`)).json();
  const password = process.env.PORTICO_DEMO_PASSWORD ?? /password (\S+):/.exec(server.said())?.[1];
  const of = (role) => accounts.find((account) => account.role.toLowerCase() === role)?.email;
  const [owner, member] = [of("owner") ?? accounts[0].email, of("member") ?? accounts.at(-1).email];
  const rights = { "": null, member: await cookies(server.base, member, password), staff: await cookies(server.base, owner, password) };
  console.log("| page | as | performance | accessibility | best practices | SEO | largest paint ms | blocked ms |");
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
  const all = [...PUBLIC.map((page) => [page, ""]), ...MEMBER.map((page) => [page, "member"]), ...STAFF.map((page) => [page, "staff"])];
  const told = [];
  for (const [page, who] of all) {
    if (values.only && page !== values.only) continue;
    const { scores, lcp, tbt, faults } = await look(page, rights[who]);
    console.log(`| \`${page}\` | ${who || "a visitor"} | ${scores.join(" | ")} | ${lcp} | ${tbt} |`);
    told.push(...faults.map((fault) => `${page}: ${fault}`));
    if (!who) flaws += faults.length;
  }
  for (const fault of told) console.log(`- ${fault}`);
} finally {
  await chrome.kill();
  await server.stop();
}
process.exitCode = flaws ? 1 : 0;

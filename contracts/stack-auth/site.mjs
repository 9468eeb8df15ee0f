/** An app with the drop-in components on a port of its own, and browsers to visit it with. */
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { freePort } from "./portico.mjs";

/** Where pictures of what was seen are kept. */
export const out = path.join(import.meta.dirname, "out");

/** Opens the app for a server; `visitor()` gives a browser of one's own, `close()` ends all of it. */
export async function openSite(portico, { port } = {}) {
  mkdirSync(out, { recursive: true });
  const bundle = await build({
    entryPoints: [path.join(import.meta.dirname, "page.jsx")],
    bundle: true,
    write: false,
    format: "esm",
    jsx: "automatic",
    platform: "browser",
    logLevel: "error",
    define: { "process.env.NODE_ENV": '"production"', "process.env": "{}", process: '{"env":{}}', global: "globalThis" },
  });
  const script = bundle.outputFiles[0].contents;
  const settings = JSON.stringify({ baseUrl: portico.stack, projectId: portico.projectId, publishableClientKey: portico.publishableClientKey });
  const page = `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>App</title><body><div id="root"></div><script>window.PORTICO=${settings}</script><script type="module" src="/app.js"></script>`;
  const server = createServer((request, response) => {
    const isScript = request.url.startsWith("/app.js");
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html; charset=utf-8");
    response.end(isScript ? script : page);
  });
  port ??= await freePort();
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  const base = `http://localhost:${port}`;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });

  /** A browser of one's own, with what its pages complained of and every address that they called. */
  async function visitor() {
    const context = await browser.newContext({ baseURL: base, viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    const errors = [];
    const called = new Set();
    // What is under way when a page is left fails to be fetched: that is no fault of anybody's.
    page.on("pageerror", (error) => error.message !== "Failed to fetch" && errors.push(error.message));
    page.on("request", (request) => called.add(new URL(request.url()).origin));
    return { context, page, errors, called };
  }

  async function close() {
    await browser.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  return { base, visitor, close };
}

/** Waits until the app says who is signed in. */
export const who = (page, email) => page.waitForFunction((email) => document.querySelector("#who")?.textContent === `Signed in as ${email}`, email);

/** Signs up by the drop-in form. */
export async function signUp(page, email, secret) {
  await page.goto("/sign-up");
  const password = page.getByRole("tab", { name: /password/i });
  await page.locator("input[type=email], input[name=email], input#email").first().waitFor();
  if (await password.count()) await password.click();
  await page.locator("form:has(input[type=password]) input[type=email], form:has(input[type=password]) input[name=email], form:has(input[type=password]) input#email").first().fill(email);
  const fields = page.locator("input[type=password]");
  for (let i = 0; i < (await fields.count()); i++) await fields.nth(i).fill(secret);
  await page.locator("form:has(input[type=password]) button[type=submit]").click();
  await who(page, email);
}

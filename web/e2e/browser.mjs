/** Helpers of the end-to-end tests: Debian's Chromium, what a page complained of, and what an eye or a screen reader would. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const url = process.env.PORTICO_URL ?? "http://127.0.0.1:8080";
export const VIEWPORTS = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
export const SCHEMES = ["light", "dark"];
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** One browser for a test file; close it in `after`. */
export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** A visitor with cookies of their own, and everything that their pages complained of. */
export async function visitor(browser, { viewport = "desktop", scheme = "light", base = url, proxy } = {}) {
  const context = await browser.newContext({ baseURL: base, viewport: VIEWPORTS[viewport], colorScheme: scheme, reducedMotion: "reduce", ...(proxy ? { proxy } : {}) });
  const complaints = [];
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`policy: ${event.violatedDirective} refused ${event.blockedURI || "inline"} ${event.sample}`);
    });
  });
  context.on("page", (page) => {
    page.on("console", (message) => {
      if (message.type() !== "error" || expected(message)) return;
      complaints.push(`${new URL(page.url()).pathname}: ${message.text()}`);
    });
    page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error.message}`));
  });
  const page = await context.newPage();
  return { context, page, complaints, heard: listening(page) };
}

/** The latest that a page's sockets and questions were told, for when something is awaited in vain. */
function listening(page) {
  const heard = [];
  const note = (what) => {
    heard.push(`${new Date().toISOString().slice(14)} ${what.slice(0, 400)}`);
    if (heard.length > 80) heard.shift();
  };
  page.on("websocket", (socket) => {
    note(`socket ${socket.url()}`);
    socket.on("framesent", ({ payload }) => note(`> ${String(payload)}`));
    socket.on("framereceived", ({ payload }) => note(`< ${String(payload)}`));
    socket.on("close", () => note("socket closed"));
  });
  page.on("response", (response) => {
    if (response.url().includes("/api/v1/")) note(`${response.status()} ${response.request().method()} ${response.url()}`);
  });
  return heard;
}

/** Waits, and if it is in vain says what the page heard meanwhile: a change that got lost leaves no other trace. */
export async function awaited(visitor, wait) {
  try {
    return await wait;
  } catch (error) {
    throw new Error(`${error.message}\nthe page heard:\n${visitor.heard.join("\n")}`, { cause: error });
  }
}

/** A refused form and a missing page are answers, which Chromium nevertheless logs as failed loads. */
function expected(message) {
  return /status of (400|401|402|403|404|409|410|422|429)/.test(message.text());
}

/** Waits until React answers, so that what is typed is not lost to hydration. */
export async function interactive(page) {
  await page.waitForFunction(() => {
    const nodes = document.querySelectorAll("button, a, input, main");
    return [...nodes].some((node) => Object.keys(node).some((key) => key.startsWith("__react")));
  });
}

export async function open(page, path) {
  const response = await page.goto(path, { waitUntil: "load" });
  await interactive(page);
  return response;
}

/** The printed link makes the first owner, who lands in the admin. */
export async function becomeOwner(page, setupLink, { name, email, password }) {
  await page.goto(setupLink);
  await interactive(page);
  for (const [label, value] of Object.entries({ "Your name": name, "E-mail": email, Password: password })) await page.getByLabel(label, { exact: true }).fill(value);
  await page.getByRole("button", { name: "Become the owner" }).click();
  await page.waitForURL("**/admin");
}

/** Fails with what and where if a screen reader or a keyboard would be left out. */
export async function accessible(page) {
  // By the debugger's way in: the page's policy rightly forbids a script from a test.
  const run = `${axe}; axe.run(document, { resultTypes: ["violations"] })`;
  const client = await page.context().newCDPSession(page);
  const { result, exceptionDetails } = await client.send("Runtime.evaluate", { expression: run, awaitPromise: true, returnByValue: true });
  await client.detach();
  assert.ok(!exceptionDetails, exceptionDetails?.exception?.description);
  const found = result.value.violations.map((v) => `${v.id}: ${v.help}\n    ${v.nodes.map((n) => `${n.target.join(" ")} ${n.any?.[0]?.message ?? ""}`).join("\n    ")}`);
  assert.deepEqual(found, [], `${page.url()} is not accessible:\n  ${found.join("\n  ")}`);
}

/** A page that can be pushed sideways on a phone is broken. */
export async function fits(page) {
  const { scroll, inner } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, inner: window.innerWidth }));
  assert.ok(scroll <= inner, `${page.url()} is ${scroll} px wide in a window of ${inner}`);
}

/** A picture for a person to look at, under e2e/shots unless `folder` says otherwise. */
export async function shoot(page, name, { folder = new URL("./shots/", import.meta.url).pathname, fullPage = false } = {}) {
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage, animations: "disabled" });
}

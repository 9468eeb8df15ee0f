/** P2 in a real browser: the drop-in components of `@stackframe/react`, rendered and submitted, against a running server. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { codeIn, freePort, mailTo, start } from "./portico.mjs";
import { address, password } from "./sdk.mjs";

const out = path.join(import.meta.dirname, "out");
let portico, browser, site, base;

before(async () => {
  mkdirSync(out, { recursive: true });
  portico = await start();
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
  site = createServer((request, response) => {
    const isScript = request.url.startsWith("/app.js");
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html; charset=utf-8");
    response.end(isScript ? script : page);
  });
  const port = await freePort();
  await new Promise((resolve) => site.listen(port, "127.0.0.1", resolve));
  base = `http://localhost:${port}`;
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
});
after(async () => {
  await browser?.close();
  site?.close();
  await portico?.stop();
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

const who = (page, email) => page.waitForFunction((email) => document.querySelector("#who")?.textContent === `Signed in as ${email}`, email);

async function signUp(page, email, secret) {
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

test("SignUp and SignIn are rendered, refuse and let in; UserButton knows who it is", async () => {
  const email = address("component");
  const secret = password();
  const first = await visitor();
  await signUp(first.page, email, secret);
  // The components load Stripe's script by themselves; the vendor's own hosts are never called.
  first.called.delete("https://js.stripe.com");
  assert.deepEqual([...first.called].sort(), [base, portico.base].sort());

  const { page, errors } = await visitor();
  await page.goto("/sign-in");
  await page.locator("input[type=email], input#email").first().waitFor();
  const tab = page.getByRole("tab", { name: /password/i });
  if (await tab.count()) await tab.click();
  const form = page.locator("form:has(input[type=password])");
  await form.locator("input[type=email], input[name=email], input#email").first().fill(email);
  await form.locator("input[type=password]").fill("not it at all");
  await form.locator("button[type=submit]").click();
  await page.getByText("Wrong e-mail or password.").waitFor();
  await page.screenshot({ path: path.join(out, "sign-in.png") });
  await form.locator("input[type=password]").fill(secret);
  await form.locator("button[type=submit]").click();
  await who(page, email);
  await page.locator("button").first().click();
  await page.getByText(email, { exact: true }).last().waitFor();
  await page.screenshot({ path: path.join(out, "user-button.png") });
  await page.getByText(/sign out/i).click();
  await page.getByText("Nobody").waitFor();
  assert.deepEqual(errors, []);
});

test("a magic link is asked for in SignIn and followed to the SDK's own page", async () => {
  const email = address("magic");
  const { page, errors } = await visitor();
  await page.goto("/sign-in");
  await page.locator("input[type=email], input#email").first().fill(email);
  await page.getByRole("button", { name: /send email/i }).click();
  const code = codeIn(await mailTo(portico, email));
  const mail = await mailTo(portico, email);
  await page.goto(/http:\/\/localhost:\d+\S+code=[0-9a-z]{45}/.exec(mail.text)[0]);
  await page.getByRole("button", { name: /sign in/i }).click();
  await who(page, email);
  assert.equal(code.length, 45);
  assert.deepEqual(errors, []);
});

test("every tab of AccountSettings is shown and works", async () => {
  const email = address("settings");
  const { page, errors } = await visitor();
  await signUp(page, email, password());
  await page.goto("/settings");
  await page.getByText(/my profile/i).first().waitFor();
  for (const [tab, seen] of [
    [/my profile/i, /display name|user name/i],
    [/emails & auth/i, new RegExp(email.replaceAll(".", "\\."))],
    [/notifications/i, /notification/i],
    [/active sessions/i, /current session/i],
    [/api keys/i, /api key/i],
    [/^settings$/i, /delete account|sign out/i],
  ]) {
    await page.getByText(tab).first().click();
    await page.getByText(seen).first().waitFor();
    await page.screenshot({ path: path.join(out, `settings-${tab.source.replace(/\W+/g, "-")}.png`) });
  }
  assert.deepEqual(errors, []);
});

/** Every page with a lived-in place behind it: light and dark, desktop and phone, for a screen reader too. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, fits, interactive, launch, SCHEMES, shoot, VIEWPORTS, visitor } from "./browser.mjs";
import { start } from "./portico.mjs";

const PAGES = {
  visitor: ["/", "/sign-in", "/sign-in/link#nothing", "/sign-up", "/forgot-password", "/reset#nothing", "/check-mail", "/email-change", "/goodbye", "/nothing-here"],
  member: ["/home", "/updates", "/membership", "/profile", "/security", "/your-data"],
  staff: ["/admin", "/admin/users", "/admin/tiers", "/admin/payments", "/admin/updates", "/admin/updates/new", "/admin/roles", "/admin/activity", "/admin/security", "/admin/api-keys", "/admin/users/import", "/admin/apps", "/admin/hosted-project", "/admin/mails", "/admin/mails/new_device", "/admin/system"],
};

/** What search engines may show; everything else asks them to stay away. */
const PUBLIC = ["/", "/sign-in", "/sign-up"];

let portico;
let browser;
let accounts;
before(async () => {
  portico = await start({ demo: true });
  browser = await launch();
  const system = await (await fetch(`${portico.base}/api/v1/system`)).json();
  accounts = system.demo_accounts;
});
after(async () => {
  await browser?.close();
  const ended = await portico?.stop();
  assert.equal(ended?.code, 0, ended?.log);
});

async function signIn(context, role) {
  const account = accounts.find((one) => one.role === role);
  const answer = await context.request.post("/api/v1/sessions", { data: { email: account.email, password: account.password } });
  assert.equal(answer.status(), 201);
}

/** A page with ids in its address, found as a person finds it. */
async function follow(page, from, selector) {
  await page.goto(from);
  await interactive(page);
  return page.locator(selector).first().getAttribute("href");
}

for (const viewport of Object.keys(VIEWPORTS)) {
  for (const scheme of SCHEMES) {
    test(`every page at ${viewport} size in ${scheme}`, { timeout: 240_000 }, async () => {
      for (const [who, pages] of Object.entries(PAGES)) {
        const { page, context, complaints } = await visitor(browser, { viewport, scheme, base: portico.base });
        if (who === "member") await signIn(context, "member");
        if (who === "staff") await signIn(context, "admin");
        const all = [...pages];
        if (who === "member") all.push(await follow(page, "/updates", 'a[href^="/updates/"]'));
        if (who === "staff") {
          all.push(await follow(page, "/admin/updates", 'main a[href^="/admin/updates/"]:not([href$="/new"])'));
          all.push(await follow(page, "/admin/users", 'main a[href^="/admin/users/"]:not([href$="/import"])'));
        }
        for (const path of all) {
          await page.goto(path);
          await interactive(page);
          await page.locator("main [aria-busy=true]").first().waitFor({ state: "detached" });
          await fits(page);
          await accessible(page);
          const robots = await page.locator('meta[name="robots"]').evaluateAll((all) => all.map((meta) => meta.content).join());
          assert.equal(robots.includes("noindex"), !PUBLIC.includes(path), `${path} says ${robots}`);
          if (process.env.SHOTS) await shoot(page, `${who}${path.replace(/[0-9a-f-]{36}/, "one").replaceAll("/", "-")}-${viewport}-${scheme}`, { folder: process.env.SHOTS });
        }
        assert.deepEqual(complaints, []);
        await context.close();
      }
    });
  }
}

test("without a session, members' and staff's pages lead to the door and back", async () => {
  const { page, context } = await visitor(browser, { base: portico.base });
  await page.goto("/admin/users?search=mia");
  await page.waitForURL((url) => url.pathname === "/sign-in" && url.searchParams.get("next") === "/admin/users?search=mia");
  await interactive(page);
  await page.getByRole("button", { name: /Ada Whitfield/ }).click();
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL("**/admin/users?search=mia");
  await page.getByText("5 people").waitFor();
  await context.close();
});

test("a keyboard is enough to sign in", async () => {
  const { page, context } = await visitor(browser, { base: portico.base });
  const member = accounts.find((one) => one.role === "member");
  await page.goto("/sign-in");
  await interactive(page);
  await page.getByLabel("E-mail", { exact: true }).focus();
  await page.keyboard.type(member.email);
  await page.keyboard.press("Tab");
  await page.keyboard.type(member.password);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/home");
  await context.close();
});

test("one click takes the demo tenant away", async () => {
  const { page, context } = await visitor(browser, { base: portico.base });
  await signIn(context, "admin");
  await page.goto("/admin/system");
  await interactive(page);
  await page.getByRole("button", { name: "Remove it" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: /Remove/ }).click();
  // Who clicks is a demo person too, and goes with it.
  await page.waitForURL(/\/sign-in|\/setup|\/$/);
  const system = await (await fetch(`${portico.base}/api/v1/system`)).json();
  assert.deepEqual({ demo: system.demo, demo_accounts: system.demo_accounts }, { demo: false, demo_accounts: [] });
  await context.close();
});

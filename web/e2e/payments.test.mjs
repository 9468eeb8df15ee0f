/** Two people side by side: a member pays at the sandbox's page, and staff see it without a reload. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, fits, interactive, launch, open, shoot, visitor } from "./browser.mjs";
import { start } from "./portico.mjs";

let portico;
let browser;
let accounts;
before(async () => {
  portico = await start({ demo: true });
  browser = await launch();
  accounts = (await (await fetch(`${portico.base}/api/v1/system`)).json()).demo_accounts;
});
after(async () => {
  await browser?.close();
  const ended = await portico?.stop();
  assert.equal(ended?.code, 0, ended?.log);
});

async function as(role, look = {}) {
  const one = await visitor(browser, { base: portico.base, ...look });
  const account = accounts.find((known) => known.role === role);
  const answer = await one.context.request.post("/api/v1/sessions", { data: { email: account.email, password: account.password } });
  assert.equal(answer.status(), 201);
  return one;
}

/** Types a card on the sandbox's page and pays. */
async function pay(page, number) {
  await page.waitForURL("**/_sandbox/pages/checkout/**");
  await page.getByLabel("Card number").fill(number);
  await page.getByLabel("Expires").fill("12 / 34");
  await page.getByLabel("CVC").fill("123");
  await page.getByLabel("Name on the card").fill("June Rower");
  await page.getByLabel("Postal code").fill("10115");
  await page.getByRole("button", { name: /^(Pay|Subscribe)/ }).click();
}

const mark = (page) => page.evaluate(() => (globalThis.stillHere = true));
const marked = (page) => page.evaluate(() => globalThis.stillHere === true);

test("a member subscribes, and staff see the payment arrive", { timeout: 300_000 }, async (t) => {
  const member = await as("member", { viewport: "phone", scheme: "dark" });
  const staff = await as("billing");
  const arrives = staff.page.getByRole("row").filter({ hasText: "€24.00" });

  await t.test("staff wait on an empty list", async () => {
    await open(staff.page, "/admin/payments");
    await staff.page.getByRole("heading", { name: "No payments yet" }).waitFor();
    await staff.page.locator('[data-slot="live"][data-state="live"]').first().waitFor({ timeout: 60_000 });
    await mark(staff.page);
    await shoot(staff.page, "payments-empty");
  });

  await t.test("a declined card is told on the payment page", async () => {
    await open(member.page, "/membership");
    await shoot(member.page, "membership-offers");
    await fits(member.page);
    await accessible(member.page);
    await member.page.getByRole("button", { name: "Subscribe to Rower for €24.00 a month" }).click();
    await pay(member.page, "4000 0000 0000 0002");
    await member.page.getByText("Your card was declined").first().waitFor();
  });

  await t.test("a good one subscribes", async () => {
    await pay(member.page, "4242 4242 4242 4242");
    await member.page.waitForURL("**/membership?checkout=done");
    await interactive(member.page);
    await member.page.getByText("Thank you. You are subscribed to Rower.").waitFor({ timeout: 60_000 });
    await member.page.getByText("You pay €24.00 a month.").waitFor();
    await member.page.getByRole("row").filter({ hasText: "Visa ending in 4242" }).filter({ hasText: "Paid" }).waitFor({ timeout: 60_000 });
    await shoot(member.page, "membership-subscribed");
    await fits(member.page);
    await accessible(member.page);
  });

  await t.test("staff see it without a reload", async () => {
    const fresh = staff.page.locator('[data-slot="new-rows"]');
    await arrives.or(fresh).first().waitFor({ timeout: 60_000 });
    if (!(await arrives.count())) await fresh.click();
    await arrives.filter({ hasText: "Paid" }).first().waitFor({ timeout: 60_000 });
    assert.ok(await marked(staff.page), "the page was loaded anew");
    await shoot(staff.page, "payments-arrived");
    await accessible(staff.page);
    const [invoice] = await Promise.all([staff.page.waitForEvent("popup"), staff.page.getByRole("link", { name: /^Invoice/ }).first().click()]);
    await invoice.getByText("€24.00").first().waitFor();
  });

  await t.test("the member ends it in the portal, and both see until when", async () => {
    await member.page.getByRole("button", { name: "Card, plan, cancel" }).click();
    await member.page.waitForURL("**/_sandbox/pages/portal/**");
    await member.page.getByRole("link", { name: /cancel/i }).or(member.page.getByRole("button", { name: /cancel/i })).first().click();
    await member.page.getByRole("button", { name: /cancel/i }).first().click();
    await open(member.page, "/membership");
    await member.page.getByText(/It ends on \d/).waitFor({ timeout: 60_000 });
  });

  assert.deepEqual([...member.complaints, ...staff.complaints], []);
});

test("staff set what a tier costs, by keyboard", { timeout: 120_000 }, async () => {
  const { page, complaints } = await as("billing");
  await open(page, "/admin/tiers");
  await page.getByRole("button", { name: "Change Friend" }).press("Enter");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("A year", { exact: true }).fill("ninety");
  await dialog.getByLabel("A year", { exact: true }).press("Enter");
  await dialog.getByText("A year: write an amount, as 24 or 24.50.").waitFor();
  await shoot(page, "tier-prices");
  await dialog.getByLabel("A year", { exact: true }).fill("90");
  await dialog.getByLabel("A month", { exact: true }).fill("");
  await dialog.getByLabel("A year", { exact: true }).press("Enter");
  await dialog.waitFor({ state: "detached" });
  await page.getByText("€90.00 a year", { exact: true }).waitFor();
  assert.deepEqual(complaints, []);
});

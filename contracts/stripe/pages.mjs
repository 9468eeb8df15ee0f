// Every page a person sees, at two widths, light and dark: no accessibility violation by axe, nothing wider than the window,
// no error in the console, and the way through Checkout by keyboard alone. Screenshots for eyes are left in out/pages/.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const base = process.env.STRIPE_BASE.replace(/\/$/, "");
const shots = `${process.env.OUT}/pages`;
mkdirSync(shots, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const call = async (method, path, form = {}) => {
  const flat = (value, name) => (typeof value === "object" ? Object.entries(value).flatMap(([key, one]) => flat(one, name ? `${name}[${key}]` : key)) : [[name, String(value)]]);
  const body = new URLSearchParams(flat(form, ""));
  const answer = await fetch(`${base}${path}`, { method, headers: { authorization: "Bearer sk_test_pages" }, body: method === "GET" ? undefined : body });
  const value = await answer.json();
  assert(answer.ok, `${path}: ${JSON.stringify(value)}`);
  return value;
};
const post = (path, form) => call("POST", path, form);

// What there is to look at.
const product = await post("/v1/products", { name: "Silver", description: "For one" });
const better = await post("/v1/products", { name: "Gold" });
const price = (of, amount) => post("/v1/prices", { product: of.id, currency: "eur", unit_amount: amount, recurring: { interval: "month" } });
const [silver, gold] = [await price(product, 900), await price(better, 2900)];
await post("/v1/webhook_endpoints", { url: "http://127.0.0.1:9/hook", enabled_events: ["*"] });
const rate = await post("/v1/tax_rates", { display_name: "VAT", percentage: 19, inclusive: false });
const customer = await post("/v1/customers", { email: "ada@example.com", name: "Ada Lovelace", payment_method: "pm_card_visa", invoice_settings: { default_payment_method: "pm_card_visa" }, address: { line1: "St James's Square 12", city: "London", postal_code: "SW1Y 4JH", country: "GB" } });
const sub = await post("/v1/subscriptions", { customer: customer.id, items: [{ price: silver.id, quantity: 1 }], default_tax_rates: [rate.id] });
await post("/v1/payment_methods/pm_card_mastercard/attach", { customer: customer.id });
await post("/v1/test_helpers/test_clocks", { frozen_time: Math.floor(Date.now() / 1000), name: "A year ahead" });
const coupon = await post("/v1/coupons", { percent_off: 20, duration: "repeating", duration_in_months: 3 });
await post("/v1/promotion_codes", { promotion: { type: "coupon", coupon: coupon.id }, code: "SPRING" });
const features = {
  customer_update: { enabled: true, allowed_updates: ["email", "name", "address", "phone"] }, invoice_history: { enabled: true }, payment_method_update: { enabled: true },
  subscription_cancel: { enabled: true, mode: "at_period_end", cancellation_reason: { enabled: true, options: ["too_expensive", "unused", "other"] } },
  subscription_pause: { enabled: true, duration: { type: "interval_options", interval_options: [{ interval: "month", interval_count: 1 }, { interval: "month", interval_count: 3 }] } },
  subscription_update: { enabled: true, default_allowed_updates: ["price"], proration_behavior: "always_invoice", products: [{ product: product.id, prices: [silver.id] }, { product: better.id, prices: [gold.id] }] },
};
const config = await post("/v1/billing_portal/configurations", { features });
const portal = (await post("/v1/billing_portal/sessions", { customer: customer.id, configuration: config.id, return_url: `${base}/pages/control` })).url;
const session = (extra = {}) => post("/v1/checkout/sessions", { mode: "subscription", line_items: [{ price: gold.id, quantity: 1, tax_rates: [rate.id] }], allow_promotion_codes: true, tax_id_collection: { enabled: true }, success_url: `${base}/pages/control?session={CHECKOUT_SESSION_ID}`, cancel_url: `${base}/pages/control`, ...extra });
const open = await session();
const expired = await session();
await post(`/v1/checkout/sessions/${expired.id}/expire`);
const setup = await post("/v1/checkout/sessions", { mode: "setup", currency: "eur", success_url: `${base}/pages/control` });
const asking = await post("/v1/payment_intents", { amount: 2900, currency: "eur", customer: customer.id, payment_method: "pm_card_authenticationRequired", confirm: true, return_url: `${base}/pages/control` });
await post("/v1/invoiceitems", { customer: customer.id, amount: 4900, currency: "eur", description: "Setting up" });
const draft = await post("/v1/invoices", { customer: customer.id, pending_invoice_items_behavior: "include", collection_method: "send_invoice", days_until_due: 14 });
const owed = await post(`/v1/invoices/${draft.id}/finalize`);
const paid = await call("GET", `/v1/invoices/${sub.latest_invoice}`);
const bought = await post("/v1/payment_intents", { amount: 1500, currency: "eur", description: "A cup", payment_method: "pm_card_visa", confirm: true });
const receipt = (await call("GET", `/v1/charges/${bought.latest_charge}`)).receipt_url;

const pages = {
  checkout: open.url, expired: `${base}/pages/checkout/${expired.id}`, setup: setup.url, bank: asking.next_action.redirect_to_url.url,
  portal, plan: `${portal}?view=plan&sub=${sub.id}`, preview: `${portal}?view=confirm&sub=${sub.id}&price=${gold.id}`, cancel: `${portal}?view=cancel&sub=${sub.id}`, pause: `${portal}?view=pause&sub=${sub.id}`,
  card: `${portal}?view=card`, details: `${portal}?view=details`, "invoice-paid": paid.hosted_invoice_url, "invoice-open": owed.hosted_invoice_url, receipt, control: `${base}/pages/control`, missing: `${base}/pages/invoice/in_nobody`,
};

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
const problems = [];
async function look(page, name) {
  await page.evaluate(() => document.fonts.ready);
  const [wide, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  if (wide > inner) problems.push(`${name} is ${wide} px wide in a window of ${inner}`);
  await page.evaluate(axe);
  for (const one of (await page.evaluate(() => axe.run())).violations) problems.push(`${name}: ${one.id}, ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 120)).join(" | ")}`);
  await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
}
async function fresh(width, colorScheme, script = true) {
  // axe is put into the page from outside, which the pages' own policy would refuse.
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, javaScriptEnabled: script, bypassCSP: true });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && !/status of 40[024]/.test(message.text()) && problems.push(`${page.url()}: ${message.text()}`));
  page.on("pageerror", (error) => problems.push(`${page.url()}: ${error}`));
  return page;
}

for (const width of [1440, 390]) {
  for (const scheme of ["light", "dark"]) {
    const page = await fresh(width, scheme);
    for (const [name, url] of Object.entries(pages)) {
      await page.goto(url);
      await look(page, `${name}-${width}-${scheme}`);
    }
    // A refused card says why, and what was typed stays.
    await page.goto(open.url);
    await page.getByRole("button", { name: /^Declined/ }).click();
    await page.getByRole("button", { name: "Subscribe" }).click();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("Email").inputValue(), "ada@example.com");
    await look(page, `declined-${width}-${scheme}`);
    await page.context().close();
  }
}

// By keyboard alone: each thing that takes focus shows it, in the order of the page, and Enter pays.
const page = await fresh(1440, "light");
const bought2 = await session();
await page.goto(bought2.url);
const focused = () => page.evaluate(() => ({ text: (document.activeElement.labels?.[0]?.innerText ?? document.activeElement.innerText ?? "").trim().split("\n")[0], outline: getComputedStyle(document.activeElement).outlineStyle }));
// Enter in a field pays; it does not press a test-card button.
await page.getByLabel("Email").fill("grace@example.com");
await page.getByLabel("Email").press("Enter");
assert.equal(await page.getByLabel("Card number").inputValue(), "");
await page.goto(bought2.url);
const typed = { Email: "grace@example.com", "Card number": "4000000000003220", Expires: "1234", CVC: "123", "Name on the card": "Grace Hopper", "Postal code": "10115" };
const seen = [];
for (let step = 0; step < 40; step += 1) {
  await page.keyboard.press("Tab");
  const now = await focused();
  seen.push(now.text);
  assert.notEqual(now.outline, "none", `${now.text} does not show its focus`);
  if (typed[now.text]) await page.keyboard.type(typed[now.text]);
  if (now.text === "Subscribe") break;
}
assert.equal(seen.at(-1), "Subscribe", seen.join(", "));
await page.keyboard.press("Enter");
await page.getByRole("heading", { name: "Is this you?" }).waitFor();
for (let step = 0; step < 5 && (await focused()).text !== "Complete"; step += 1) await page.keyboard.press("Tab");
await page.keyboard.press("Enter");
await page.waitForURL(/session=cs_test/);
assert.equal((await call("GET", `/v1/checkout/sessions/${bought2.id}`)).payment_status, "paid");
await page.context().close();

// Without JavaScript the whole way works too: the server fills the form from a test-card button.
const plain = await fresh(390, "dark", false);
const bought3 = await session();
await plain.goto(bought3.url);
await plain.getByRole("button", { name: /^Succeeds.*4242/ }).click();
await plain.getByRole("button", { name: "Subscribe" }).click();
await plain.waitForURL(/session=cs_test/);
await plain.context().close();
await browser.close();

console.log(`  ${Object.keys(pages).length + 1} pages, each at 1440 and 390 px, light and dark`);
for (const problem of problems) console.log("  ✗", problem);
process.exit(problems.length ? 1 : 0);

// The journey of a member, driven by Stripe's Node SDK and a real browser. Nothing of the sandbox is imported.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import Stripe from "stripe";

const base = new URL(process.env.STRIPE_BASE);
const stripe = new Stripe("sk_test_contract", { host: base.hostname, port: base.port, protocol: "http", maxNetworkRetries: 0 });
const DAY = 86400;
const shots = process.env.SHOTS ?? process.env.OUT;

// 1. A receiver of web hooks, which trusts nothing that the SDK does not verify.
let secret;
const received = [];
let heard = () => {};
const receiver = createServer(async (request, response) => {
  if (request.method === "GET") return response.writeHead(200, { "content-type": "text/html" }).end("<link rel=icon href=data:,>The shop");
  let body = "";
  for await (const chunk of request) body += chunk;
  try {
    const event = stripe.webhooks.constructEvent(body, request.headers["stripe-signature"], secret);
    received.push(event);
    response.writeHead(200).end();
  } catch (error) {
    response.writeHead(400).end(error.message);
    throw error;
  }
  heard();
}).listen(0, "127.0.0.1");
await once(receiver, "listening");
const site = `http://127.0.0.1:${receiver.address().port}`;
async function event(type, id) {
  const deadline = Date.now() + 30000;
  for (;;) {
    const found = received.find((one) => one.type === type && (!id || one.data.object.id === id));
    if (found) return found;
    assert(Date.now() < deadline, `no ${type} came; there were ${received.map((one) => one.type)}`);
    await Promise.race([new Promise((done) => (heard = done)), new Promise((done) => setTimeout(done, 1000))]);
  }
}
const endpoint = await stripe.webhookEndpoints.create({ url: `${site}/hook`, enabled_events: ["*"], api_version: "2026-10-28.endive" });
secret = endpoint.secret;
assert.match(secret, /^whsec_/);
assert.equal((await stripe.webhookEndpoints.retrieve(endpoint.id)).secret, undefined);

// 2. The catalogue.
const silver = await stripe.products.create({ id: "prod_silver", name: "Silver", description: "For one", marketing_features: [{ name: "Updates" }] });
const gold = await stripe.products.create({ name: "Gold", metadata: { tier: "gold" } });
const price = (product, amount, key) => stripe.prices.create({ product: product.id, currency: "eur", unit_amount: amount, recurring: { interval: "month" }, lookup_key: key, tax_behavior: "exclusive" });
const [silverPrice, goldPrice] = [await price(silver, 900, "silver"), await price(gold, 2900, "gold")];
assert.equal((await stripe.prices.list({ lookup_keys: ["gold"], expand: ["data.product"] })).data[0].product.name, "Gold");
const feature = await stripe.entitlements.features.create({ name: "Search", lookup_key: "search" });
await stripe.products.createFeature(gold.id, { entitlement_feature: feature.id });

// 3. The customer, on a clock of her own.
const start = Math.floor(Date.now() / 1000);
const clock = await stripe.testHelpers.testClocks.create({ frozen_time: start, name: "Ada's year" });
const customer = await stripe.customers.create({ name: "Ada Lovelace", email: "ada@example.com", test_clock: clock.id, metadata: { user_id: "u1" } }, { idempotencyKey: "customer-u1" });
const again = await stripe.customers.create({ name: "Ada Lovelace", email: "ada@example.com", test_clock: clock.id, metadata: { user_id: "u1" } }, { idempotencyKey: "customer-u1" });
assert.equal(again.id, customer.id);
assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
const error = await stripe.customers.create({ name: "Bob" }, { idempotencyKey: "customer-u1" }).catch((error) => error);
assert(error instanceof Stripe.errors.StripeIdempotencyError);
assert((await stripe.customers.create({ nmae: "typo" }).catch((error) => error)) instanceof Stripe.errors.StripeInvalidRequestError);

// 4. Checkout, filled in Chromium with a card that asks the bank.
const profile = mkdtempSync(join(tmpdir(), "contract-"));
const browser = await chromium.launchPersistentContext(profile, { executablePath: process.env.CHROMIUM, headless: true, viewport: { width: 1440, height: 900 }, args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
const page = browser.pages()[0] ?? (await browser.newPage());
const complaints = [];
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("console", (message) => message.type() === "error" && !/40[02]|favicon/.test(message.text()) && complaints.push(message.text()));
async function shoot(name) {
  for (const [width, height] of [[1440, 900], [390, 844]]) {
    await page.setViewportSize({ width, height });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert(wide <= 0, `${name} overflows by ${wide}px at ${width}`);
    await page.screenshot({ path: join(shots, `${name}-${width}.png`), fullPage: true });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}
const coupon = await stripe.coupons.create({ percent_off: 50, duration: "once", name: "Half" });
await stripe.promotionCodes.create({ promotion: { type: "coupon", coupon: coupon.id }, code: "HELLO" });
const session = await stripe.checkout.sessions.create({ mode: "subscription", customer: customer.id, line_items: [{ price: silverPrice.id, quantity: 1 }], allow_promotion_codes: true, success_url: `${site}/ok?session_id={CHECKOUT_SESSION_ID}`, cancel_url: `${site}/no`, subscription_data: { metadata: { tier: "silver" } }, client_reference_id: "u1", ui_mode: "hosted_page" });
await page.goto(session.url);
await shoot("checkout");
await page.getByLabel("Promotion code").fill("HELLO");
await page.getByRole("button", { name: "Apply" }).click();
await page.getByText("Discount").waitFor();
await page.getByLabel("Card number").fill("4000000000000002");
await page.getByLabel("Expires").fill("12/34");
await page.getByLabel("CVC").fill("123");
await page.getByLabel("Name on the card").fill("Ada Lovelace");
await page.getByRole("button", { name: "Subscribe" }).click();
await page.getByRole("alert").getByText("declined").waitFor();
await shoot("checkout-declined");
await page.getByRole("button", { name: "3-D Secure 3220" }).click();
assert.equal(await page.getByLabel("Card number").inputValue(), "4000 0000 0000 3220");
await page.getByRole("button", { name: "Subscribe" }).click();
await page.getByRole("button", { name: "Complete" }).waitFor();
await shoot("authenticate");
await page.getByRole("button", { name: "Complete" }).click();
await page.waitForURL(`${site}/ok**`);
assert.equal(new URL(page.url()).searchParams.get("session_id"), session.id);
const completed = await event("checkout.session.completed", session.id);
assert.equal(completed.data.object.payment_status, "paid");
assert.equal(completed.livemode, false);
const paid = await stripe.checkout.sessions.retrieve(session.id, { expand: ["subscription.latest_invoice.payments", "line_items"] });
let sub = paid.subscription;
assert.equal(sub.status, "active");
assert.equal(sub.metadata.tier, "silver");
assert.equal(sub.latest_invoice.amount_paid, 450);
assert.equal(paid.amount_total, 450);
await page.goto(`${base}pages/checkout/${session.id}`);
await shoot("checkout-complete");

// 5. The portal: an upgrade half way through the month, with what it costs shown before.
async function advance(to) {
  for (;;) {
    const now = (await stripe.testHelpers.testClocks.retrieve(clock.id)).frozen_time;
    if (now >= to) return;
    await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: Math.min(to, now + 27 * DAY) });
    while ((await stripe.testHelpers.testClocks.retrieve(clock.id)).status !== "ready") await new Promise((done) => setTimeout(done, 50));
  }
}
await advance(start + 15 * DAY);
const configuration = await stripe.billingPortal.configurations.create({
  features: { subscription_update: { enabled: true, default_allowed_updates: ["price"], proration_behavior: "always_invoice", products: [{ product: silver.id, prices: [silverPrice.id] }, { product: gold.id, prices: [goldPrice.id] }] }, subscription_cancel: { enabled: true, mode: "at_period_end", cancellation_reason: { enabled: true, options: ["too_expensive", "unused", "other"] } }, payment_method_update: { enabled: true }, invoice_history: { enabled: true }, customer_update: { enabled: true, allowed_updates: ["email", "name", "address"] } },
  business_profile: { headline: "Your billing" },
});
const portal = await stripe.billingPortal.sessions.create({ customer: customer.id, configuration: configuration.id, return_url: `${site}/back` });
await page.goto(portal.url);
await shoot("portal");
await page.getByRole("link", { name: "Change plan" }).click();
await page.getByText("Gold").click();
await shoot("portal-plan");
await page.getByRole("button", { name: "Continue" }).click();
const preview = await stripe.invoices.createPreview({ subscription: sub.id, subscription_details: { items: [{ id: sub.items.data[0].id, price: goldPrice.id }], proration_behavior: "always_invoice" } });
const shown = await page.locator("li.total .num").innerText();
assert.equal(shown, `€${(preview.amount_due / 100).toFixed(2)}`, "the page and the API agree on the price");
assert.equal(preview.lines.data.length, 2);
await shoot("portal-confirm");
await page.getByRole("button", { name: "Confirm" }).click();
await page.getByText("Your plan was changed").waitFor();
sub = await stripe.subscriptions.retrieve(sub.id, { expand: ["latest_invoice"] });
assert.equal(sub.items.data[0].price.id, goldPrice.id);
assert.equal(sub.latest_invoice.amount_paid, preview.amount_due);
const [credit, charge] = sub.latest_invoice.lines.data;
assert(credit.amount < 0 && charge.amount > 0 && credit.amount + charge.amount === sub.latest_invoice.total);
assert.deepEqual((await stripe.entitlements.activeEntitlements.list({ customer: customer.id })).data.map((one) => one.lookup_key), ["search"]);
await page.goto(`${portal.url}?view=card`);
await page.getByRole("button", { name: "Attaches, later charges fail" }).click();
await shoot("portal-card");
await page.getByRole("button", { name: "Add the card" }).click();
await page.getByText("The card was added").waitFor();
await page.getByRole("link", { name: "Change", exact: true }).click();
await page.getByLabel("City").fill("London");
await shoot("portal-details");
await page.getByRole("button", { name: "Save" }).click();
await page.getByText("Your details were saved").waitFor();

// 6. Thirteen months, with one renewal that fails and recovers.
const good = sub.default_payment_method;
const bad = (await stripe.customers.listPaymentMethods(customer.id)).data.find((one) => one.id !== good);
await advance(start + 80 * DAY);
await stripe.subscriptions.update(sub.id, { default_payment_method: bad.id });
await advance(start + 95 * DAY);
sub = await stripe.subscriptions.retrieve(sub.id, { expand: ["latest_invoice"] });
assert.equal(sub.status, "past_due");
const failed = await event("invoice.payment_failed", sub.latest_invoice.id);
assert.equal(failed.data.object.attempt_count, 1);
await page.goto(sub.latest_invoice.hosted_invoice_url);
await shoot("invoice-open");
await stripe.subscriptions.update(sub.id, { default_payment_method: good });
await advance(start + 100 * DAY);
sub = await stripe.subscriptions.retrieve(sub.id, { expand: ["latest_invoice"] });
assert.equal(sub.status, "active");
assert.equal(sub.latest_invoice.status, "paid");
await advance(start + 396 * DAY);
const invoices = await stripe.invoices.list({ subscription: sub.id, limit: 100 }).autoPagingToArray({ limit: 1000 });
const renewals = invoices.filter((one) => one.billing_reason === "subscription_cycle");
assert.equal(renewals.length, 13);
assert(renewals.every((one) => one.status === "paid" && one.amount_paid === 2900));
await event("invoice.paid", renewals[0].id);

// 7. Money back: a part of one payment, and a credit note on another.
const first = await stripe.invoices.retrieve(renewals[1].id, { expand: ["payments.data.payment.payment_intent"] });
const intent = first.payments.data[0].payment.payment_intent;
const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 1000, reason: "requested_by_customer" });
assert.equal(refund.status, "succeeded");
const note = await stripe.creditNotes.create({ invoice: renewals[2].id, lines: [{ type: "invoice_line_item", invoice_line_item: renewals[2].lines.data[0].id, quantity: 1 }], refund_amount: 2900, reason: "product_unsatisfactory" });
assert.equal(note.total, 2900);
await event("charge.refunded");
await event("credit_note.created", note.id);
const tooMuch = await stripe.refunds.create({ payment_intent: intent.id, amount: 5000 }).catch((error) => error);
assert.equal(tooMuch.statusCode, 400);
await page.goto(renewals[0].hosted_invoice_url);
await shoot("invoice-paid");
const pdf = await fetch(renewals[0].invoice_pdf);
assert.equal(pdf.headers.get("content-type"), "application/pdf");
(await import("node:fs")).writeFileSync(join(shots, "invoice.pdf"), Buffer.from(await pdf.arrayBuffer()));

// 8. The end, asked for in the portal.
await page.goto((await stripe.billingPortal.sessions.create({ customer: customer.id, configuration: configuration.id, return_url: `${site}/back` })).url);
await page.getByRole("link", { name: "Cancel plan" }).click();
await page.getByText("I no longer need it").click();
await shoot("portal-cancel");
await page.getByRole("button", { name: "Cancel the plan" }).click();
await page.getByText("Your plan will end").waitFor();
sub = await stripe.subscriptions.retrieve(sub.id);
assert(sub.cancel_at_period_end && sub.cancellation_details.feedback === "unused");
await advance(sub.items.data[0].current_period_end + DAY);
assert.equal((await stripe.subscriptions.retrieve(sub.id)).status, "canceled");
await event("customer.subscription.deleted", sub.id);
assert.equal((await stripe.entitlements.activeEntitlements.list({ customer: customer.id })).data.length, 0);

// 9. Every web hook of the log came, each once, whatever the order.
const log = await stripe.events.list({ limit: 100 }).autoPagingToArray({ limit: 10000 });
const deadline = Date.now() + 60000;
while (received.length < log.length && Date.now() < deadline) await new Promise((done) => setTimeout(done, 100));
assert.deepEqual(new Set(received.map((one) => one.id)), new Set(log.map((one) => one.id)));
assert.equal(received.length, new Set(received.map((one) => one.id)).size);
await page.goto(`${base}pages/control`);
await shoot("control");
await page.emulateMedia({ colorScheme: "dark" });
await shoot("control-dark");
assert.deepEqual(complaints, []);

await browser.close();
rmSync(profile, { recursive: true, force: true });
receiver.close();
receiver.closeAllConnections();
console.log(`  node: ${log.length} events, all verified by the SDK`);

/** One path through every layer, as two people in two browsers walk it: nobody reloads a page, nothing is polled. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, awaited, becomeOwner, interactive, launch, visitor } from "./browser.mjs";
import { mailTo, start } from "./portico.mjs";

let portico;
let browser;
before(async () => {
  portico = await start();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  const ended = await portico?.stop();
  assert.equal(ended?.code, 0, ended?.log);
});

const OWNER = { name: "Ada Whitfield", email: "ada@example.org", password: "four quiet arches by the sea" };
const MEMBER = { name: "Bob Keller", email: "bob@example.org", password: "a lantern on the old jetty" };

async function fill(page, values) {
  for (const [label, value] of Object.entries(values)) await page.getByLabel(label, { exact: true }).fill(value);
}

test("from the set-up link to a read receipt, live", { timeout: 180_000 }, async (t) => {
  const staff = await visitor(browser, { base: portico.base });
  const member = await visitor(browser, { base: portico.base });

  await t.test("the printed link makes the owner, who lands in the admin", async () => {
    await becomeOwner(staff.page, portico.setupLink, OWNER);
    await staff.page.goto("/admin/users");
    await staff.page.getByText("1 person").waitFor();
    await staff.page.locator('[data-slot="live"][data-state="live"]').first().waitFor();
  });

  await t.test("signing up shows faults at their fields, and nothing of what was typed is lost", async () => {
    const { page } = member;
    await page.goto("/sign-up");
    await interactive(page);
    await fill(page, { Name: MEMBER.name, "E-mail": "not an address", Password: "short" });
    await page.getByRole("button", { name: "Make an account" }).click();
    await page.getByText("This does not look like an e-mail address.").waitFor();
    await page.getByText("Use at least 10 characters; a few words make a good one.").waitFor();
    assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), MEMBER.name);
    await fill(page, { "E-mail": MEMBER.email, Password: MEMBER.password });
    await page.getByRole("button", { name: "Make an account" }).click();
    await page.waitForURL("**/check-mail");
  });

  await t.test("staff see the new member at once", async () => {
    const fresh = staff.page.getByRole("button", { name: /new/ });
    const row = staff.page.getByText(MEMBER.email);
    await awaited(staff, fresh.or(row).first().waitFor());
    if (await fresh.isVisible()) await fresh.click();
    await row.waitFor();
  });

  await t.test("before the address is proved, the right password does not sign in", async () => {
    const { page } = member;
    await page.goto("/sign-in");
    await interactive(page);
    await fill(page, { "E-mail": MEMBER.email, Password: MEMBER.password });
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByText("Confirm your e-mail first").waitFor();
  });

  await t.test("the mail in the viewer carries a link that works, once", async () => {
    const { page } = member;
    const mail = await mailTo(portico.base, MEMBER.email);
    await page.goto("/_mail");
    await page.getByText(mail.subject).first().click();
    await page.getByText(MEMBER.email).first().waitFor();
    const link = /http\S+\/verify#\S+/.exec(mail.text)?.[0];
    assert.ok(link, mail.text);
    await page.goto(link);
    await page.getByText(MEMBER.email).waitFor();
    await fill(page, { "What shall we call you": "Bob" });
    await page.getByRole("button", { name: "Confirm and finish" }).click();
    // The browser that registered is signed in by the link.
    await page.waitForURL("**/home");
    const again = await visitor(browser, { base: portico.base });
    await again.page.goto(link);
    await again.page.getByText("This link was used already or is too old").waitFor();
    await again.context.close();
  });

  await t.test("signing in opens a session and leads a member home, with tokens that no script can read", async () => {
    const { page, context } = member;
    await interactive(page);
    await page.getByRole("button", { name: /Your account/ }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.waitForURL("**/sign-in");
    await interactive(page);
    await fill(page, { "E-mail": MEMBER.email });
    await fill(page, { Password: MEMBER.password });
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.waitForURL("**/home");
    const cookies = await context.cookies();
    const tokens = cookies.filter((cookie) => cookie.name.startsWith("portico_"));
    assert.deepEqual(tokens.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite })).sort((a, b) => a.name.localeCompare(b.name)), [
      { name: "portico_access", httpOnly: true, sameSite: "Lax" },
      { name: "portico_device", httpOnly: true, sameSite: "Lax" },
      { name: "portico_refresh", httpOnly: true, sameSite: "Lax" },
      { name: "portico_registration", httpOnly: true, sameSite: "Lax" },
    ]);
    assert.equal(await page.evaluate(() => document.cookie.includes("portico_")), false);
    const [head] = tokens.find((cookie) => cookie.name === "portico_access").value.split(".");
    assert.equal(JSON.parse(Buffer.from(head, "base64url").toString()).alg, "ES256");
  });

  await t.test("staff see that the member is online", async () => {
    const row = staff.page.getByRole("row").filter({ hasText: MEMBER.email });
    await row.locator('[data-online="true"]').first().waitFor();
  });

  await t.test("an update reaches the member's open page; opening it reaches the writer's", async () => {
    await staff.page.goto("/admin/updates/new");
    await interactive(staff.page);
    await fill(staff.page, { Title: "Ice on the jetty", "What you want to say": "Take the ramp.\n\nTake your time." });
    await staff.page.getByLabel("To", { exact: true }).selectOption("users");
    await staff.page.getByLabel("Find people").fill("bob");
    await staff.page.getByRole("list", { name: "Found" }).getByText(MEMBER.name).click();
    await staff.page.getByText("Reaches 1 person").waitFor();
    await staff.page.getByRole("button", { name: "Publish" }).click();
    await staff.page.getByRole("dialog").getByText("Publish to 1 person?").waitFor();
    await staff.page.getByRole("dialog").getByRole("button", { name: "Publish" }).click();
    await staff.page.waitForURL(/\/admin\/updates\/[0-9a-f-]{36}$/);

    const fresh = member.page.getByRole("button", { name: /new/ });
    const entry = member.page.getByText("Ice on the jetty");
    await fresh.or(entry).first().waitFor();
    if (await fresh.isVisible()) await fresh.click();
    await entry.first().click();
    await member.page.getByText("Take your time.").waitFor();
    await staff.page.locator('[data-state="read"]').waitFor();
  });

  await t.test("signing out ends the session on the server, and staff see them leave", async () => {
    const { page, context } = member;
    const cookies = await context.cookies();
    const access = cookies.find((cookie) => cookie.name === "portico_access").value;
    const me = () => fetch(`${portico.base}/api/v1/me`, { headers: { cookie: `portico_access=${access}` } });
    assert.equal((await me()).status, 200);
    await page.getByRole("button", { name: /Your account/ }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.waitForURL("**/sign-in");
    // The token would be good for minutes; its session is over.
    assert.equal((await me()).status, 401);
    await page.goto("/home");
    await page.waitForURL("**/sign-in?next=*");
    await staff.page.goto("/admin/users");
    const row = staff.page.getByRole("row").filter({ hasText: MEMBER.email });
    await row.locator('[data-online="false"]').first().waitFor();
  });

  await t.test("no page complained, and the staff's pages are open to everybody", async () => {
    await accessible(staff.page);
    assert.deepEqual([...staff.complaints, ...member.complaints], []);
  });
});

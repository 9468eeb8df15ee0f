/** Joining, coming again, linking and being refused, in Chromium, at a provider that we did not write. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, fits, interactive, launch, shoot, visitor } from "../../web/e2e/browser.mjs";
import { freePort, start as startPortico } from "../../web/e2e/portico.mjs";
import { start as startProvider } from "./provider.mjs";

const SECRET = "a secret of this test alone";
const OWNER = { name: "Olga Owner", email: "bob@example.org", password: "four quiet arches by the sea" };

let provider;
let portico;
let browser;
before(async () => {
  const port = await freePort();
  provider = await startProvider({ name: "work", origin: `http://localhost:${port}`, secret: SECRET });
  portico = await startPortico({
    host: "localhost",
    port,
    env: {
      PORTICO_IDENTITY__PROVIDERS__WORK__TITLE: "Work",
      PORTICO_IDENTITY__PROVIDERS__WORK__ISSUER: provider.issuer,
      PORTICO_IDENTITY__PROVIDERS__WORK__CLIENT_ID: "portico",
      PORTICO_IDENTITY__PROVIDERS__WORK__CLIENT_SECRET: SECRET,
    },
  });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  const ended = await portico?.stop();
  await provider?.stop();
  assert.equal(ended?.code, 0, ended?.log);
  assert.equal(ended?.log.includes(SECRET), false);
});

/** The provider's own pages: who it is, and that Portico may know. */
async function signInThere(page, login) {
  await page.getByPlaceholder("Enter any login").fill(login);
  await page.getByPlaceholder("and password").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
}

/** What our own pages complained of; the provider's ask for a font from elsewhere. */
const ours = (complaints) => complaints.filter((line) => !line.startsWith("/interaction/"));

const me = async (context) => (await context.request.get("/api/v1/me")).json();

test("a newcomer joins by a button and comes again without being asked", { timeout: 120_000 }, async () => {
  const ada = await visitor(browser, { base: portico.base });
  await ada.page.goto("/sign-up");
  await interactive(ada.page);
  await ada.page.getByRole("button", { name: "Continue with Work" }).click();
  await signInThere(ada.page, "ada");
  await ada.page.waitForURL("**/home");
  const first = await me(ada.context);
  assert.deepEqual({ email: first.email, name: first.name, roles: first.roles }, { email: "ada@example.org", name: "Ada Whitfield", roles: ["member"] });
  assert.ok(first.email_verified_at);

  await ada.context.request.delete("/api/v1/sessions/current");
  await ada.page.goto("/sign-in?next=%2Fupdates");
  await interactive(ada.page);
  if (process.env.SHOTS) await shoot(ada.page, "sign-in-with-provider", { folder: process.env.SHOTS });
  await ada.page.getByRole("button", { name: "Continue with Work" }).click();
  // The provider knows the browser by now.
  await ada.page.waitForURL("**/updates");
  assert.equal((await me(ada.context)).id, first.id);
  assert.deepEqual(ours(ada.complaints), []);
  await ada.context.close();
});

test("an address that has an account, or that is not proved, opens nothing and says what to do", { timeout: 120_000 }, async (t) => {
  const owner = await visitor(browser, { base: portico.base });
  await owner.page.goto(portico.setupLink);
  await interactive(owner.page);
  for (const [label, value] of Object.entries({ "Your name": OWNER.name, "E-mail": OWNER.email, Password: OWNER.password })) {
    await owner.page.getByLabel(label, { exact: true }).fill(value);
  }
  await owner.page.getByRole("button", { name: "Become the owner" }).click();
  await owner.page.waitForURL("**/admin");

  for (const [login, words] of [
    ["bob", "There is an account with your address here already."],
    ["eve", "has not proved that your address is yours"],
  ]) {
    await t.test(login, async () => {
      const other = await visitor(browser, { base: portico.base, viewport: "phone", scheme: "dark" });
      await other.page.goto("/sign-in");
      await interactive(other.page);
      await other.page.getByRole("button", { name: "Continue with Work" }).click();
      await signInThere(other.page, login);
      await other.page.getByText(words).waitFor();
      await fits(other.page);
      await accessible(other.page);
      if (process.env.SHOTS) await shoot(other.page, `provider-refused-${login}`, { folder: process.env.SHOTS });
      assert.equal((await other.context.request.get("/api/v1/me")).status(), 401);
      await other.context.close();
    });
  }

  await t.test("signed in, the owner links it, signs in with it, and unlinks it", async () => {
    const { page, context } = owner;
    await page.goto("/security");
    await interactive(page);
    await page.getByRole("button", { name: "Link Work" }).click();
    await signInThere(page, "bob");
    await page.getByText("Work signs you in from now on.").waitFor();
    await page.getByRole("button", { name: "Unlink Work" }).waitFor();
    await accessible(page);
    const { id } = await me(context);
    await context.request.delete("/api/v1/sessions/current");
    await page.goto("/sign-in");
    await interactive(page);
    await page.getByRole("button", { name: "Continue with Work" }).click();
    await page.waitForURL("**/admin");
    assert.equal((await me(context)).id, id);
    await page.goto("/security");
    await interactive(page);
    await page.getByRole("button", { name: "Unlink Work" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Unlink" }).click();
    await page.getByText("Work no longer signs you in.").waitFor();
    await page.getByText("None is linked.").waitFor();
  });
  assert.deepEqual(ours(owner.complaints), []);
  await owner.context.close();
});

test("turning back at the provider's leads back to the door", { timeout: 60_000 }, async () => {
  const visitor_ = await visitor(browser, { base: portico.base });
  await visitor_.page.goto("/sign-in");
  await interactive(visitor_.page);
  await visitor_.page.getByRole("button", { name: "Continue with Work" }).click();
  await visitor_.page.getByRole("link", { name: /Cancel/ }).click();
  await visitor_.page.getByText("You were not signed in at Work.").waitFor();
  await visitor_.context.close();
});

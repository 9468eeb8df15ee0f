/** A passkey's whole life in Chromium, with its virtual authenticator: added, named, offered, used, removed. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, becomeOwner, fits, interactive, launch, shoot, visitor } from "./browser.mjs";
import { start } from "./portico.mjs";

const OWNER = { name: "Ada Whitfield", email: "ada@example.org", password: "four quiet arches by the sea" };

let portico;
let browser;
before(async () => {
  // At 127.0.0.1 browsers have no passkeys: an address needs a name.
  portico = await start({ host: "localhost" });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  const ended = await portico?.stop();
  assert.equal(ended?.code, 0, ended?.log);
});

/** A device that holds passkeys and knows its owner's fingerprint. */
async function authenticator(page) {
  const client = await page.context().newCDPSession(page);
  await client.send("WebAuthn.enable");
  const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
  const { authenticatorId } = await client.send("WebAuthn.addVirtualAuthenticator", { options });
  const set = (what, value) => client.send(`WebAuthn.${what}`, { authenticatorId, ...value });
  return {
    keys: async () => (await client.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
    recognises: (yes) => set("setUserVerified", { isUserVerified: yes }),
    touched: (yes) => set("setAutomaticPresenceSimulation", { enabled: yes }),
    forget: () => set("clearCredentials", {}),
  };
}

const signOut = (context) => context.request.delete("/api/v1/sessions/current");

test("a passkey from its making to its end", { timeout: 180_000 }, async (t) => {
  const { page, context, complaints } = await visitor(browser, { base: portico.base });
  const device = await authenticator(page);
  await becomeOwner(page, portico.setupLink, OWNER);

  const section = page.locator('[data-slot="passkeys"]');
  await t.test("it is added and named on the security page", async () => {
    await page.goto("/security");
    await interactive(page);
    await section.getByText("You have no passkey yet.").waitFor();
    await section.getByRole("button", { name: "Add a passkey" }).click();
    const dialog = page.getByRole("dialog", { name: "Name this passkey" });
    await dialog.getByLabel("Name").fill("Ada’s laptop");
    await dialog.getByRole("button", { name: "Save" }).click();
    await section.getByText("Ada’s laptop").waitFor();
    const [key] = await device.keys();
    assert.equal(key.rpId, "localhost");
    assert.equal(key.isResidentCredential, true);
  });

  await t.test("the same device is not asked for a second one", async () => {
    await section.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByText("This device has a passkey for your account already.").waitFor();
    assert.equal((await device.keys()).length, 1);
  });

  // A page that offers the device in the address field too is signed in by whichever asks first:
  // where the button is tried, the browser says that it cannot offer.
  await page.addInitScript(() => {
    if (sessionStorage.getItem("no-offer")) PublicKeyCredential.isConditionalMediationAvailable = () => Promise.resolve(false);
  });
  const offered = (yes) => page.evaluate((is) => (is ? sessionStorage.removeItem("no-offer") : sessionStorage.setItem("no-offer", "1")), yes);

  await t.test("it signs in by a button, without an address, and goes on to where one was going", async () => {
    await signOut(context);
    await offered(false);
    await page.goto("/sign-in?next=%2Fadmin%2Fusers");
    await interactive(page);
    if (process.env.SHOTS) await shoot(page, "sign-in-with-passkey", { folder: process.env.SHOTS });
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.waitForURL("**/admin/users");
    await offered(true);
  });

  await t.test("it is offered in the address field, where the browser does that", async () => {
    await signOut(context);
    await page.goto("/sign-in");
    // The device answers by itself as soon as the page asks.
    await page.waitForURL("**/admin");
  });

  await t.test("a device that does not recognise its owner signs nobody in", async () => {
    await signOut(context);
    await offered(false);
    await device.recognises(false);
    await page.goto("/sign-in");
    await interactive(page);
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.getByRole("button", { name: "Sign in with a passkey" }).and(page.locator(":enabled")).waitFor();
    assert.equal((await context.request.get("/api/v1/me")).status(), 401);
    await device.recognises(true);
    await offered(true);
  });

  await t.test("removed, it is refused with words", async () => {
    await device.touched(false);
    await page.goto("/sign-in");
    await interactive(page);
    await page.getByLabel("E-mail", { exact: true }).fill(OWNER.email);
    await page.getByLabel("Password", { exact: true }).fill(OWNER.password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.waitForURL("**/admin");
    await page.goto("/security");
    await interactive(page);
    await section.getByText(/Last used/).waitFor();
    await section.getByRole("button", { name: "Remove Ada’s laptop" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await section.getByText("You have no passkey yet.").waitFor();
    await signOut(context);
    await page.goto("/sign-in");
    await interactive(page);
    await device.touched(true);
    await page.getByRole("button", { name: "Sign in with a passkey" }).click();
    await page.getByText("This passkey is not known here").waitFor();
  });
  assert.deepEqual(complaints, []);
  await context.close();
});

test("on a phone and in the dark, the section fits", { timeout: 60_000 }, async () => {
  const { page, context } = await visitor(browser, { base: portico.base, viewport: "phone", scheme: "dark" });
  await authenticator(page);
  await context.request.post("/api/v1/sessions", { data: { email: OWNER.email, password: OWNER.password } });
  await page.goto("/security");
  await interactive(page);
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await fits(page);
  // Another debugger's session ends the virtual device, so this comes last.
  await accessible(page);
  if (process.env.SHOTS) await shoot(page, "passkeys-phone-dark", { folder: process.env.SHOTS, fullPage: true });
  await context.close();
});

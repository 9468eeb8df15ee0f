/** Passkeys through the SDK's own pages, with an authenticator in Chromium: added, signed in with, refused and taken away. */
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";
import { codeIn, mailTo, start } from "./portico.mjs";
import { address, client, password, raw, signedUp } from "./sdk.mjs";
import { openSite, out, signUp, who } from "./site.mjs";

let portico, site;
before(async () => {
  portico = await start();
  site = await openSite(portico);
});
after(async () => {
  await site?.close();
  await portico?.stop();
});

/** Gives a browser an authenticator of its own that always knows its owner. */
async function withAuthenticator(visitor, options = {}) {
  const devtools = await visitor.context.newCDPSession(visitor.page);
  await devtools.send("WebAuthn.enable");
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true, ...options },
  });
  return { ...visitor, devtools, authenticatorId };
}

async function openSecurity(page) {
  await page.goto("/settings");
  await page.getByText(/emails & auth/i).first().click();
}

/** Somebody in a browser whose address is proved: the SDK's page asks for that before a passkey. */
async function proved(visitor, name) {
  const email = address(name);
  await signUp(visitor.page, email, password());
  await client(portico).verifyEmail(codeIn(await mailTo(portico, email, /\?code=/)));
  return email;
}

test("a passkey is added on the SDK's page, signs in without a name, and is taken away", async () => {
  const visitor = await withAuthenticator(await site.visitor());
  const { page, errors } = visitor;
  const email = await proved(visitor, "passkey");
  await openSecurity(page);
  await page.getByRole("button", { name: "Add new passkey" }).click();
  await page.getByText("Passkey registered").first().waitFor();
  await page.screenshot({ path: path.join(out, "settings-passkey.png") });
  await mailTo(portico, email, /passkey/i);

  await page.goto("/");
  await who(page, email);
  await page.locator("button").first().click();
  await page.getByText(/sign out/i).click();
  await page.getByText("Nobody").waitFor();
  await page.goto("/sign-in");
  const passkey = page.getByRole("button", { name: "Sign in with Passkey" });
  await passkey.waitFor();
  await page.screenshot({ path: path.join(out, "sign-in-passkey.png") });
  await passkey.click();
  await who(page, email);

  await openSecurity(page);
  await page.getByRole("button", { name: "Delete Passkey" }).click();
  await page.getByRole("button", { name: /disable/i }).click();
  await page.getByText("Register a passkey").first().waitFor();
  assert.deepEqual(errors, []);
  await visitor.context.close();
});

test("questions carry the SDK's own mark for the page, and are answered once", async () => {
  const somebody = await signedUp(portico, "question");
  const tokens = await somebody.user.currentSession.getTokens();
  const asked = await raw(portico, "POST", "/auth/passkey/initiate-passkey-registration", { tokens, body: {} });
  assert.equal(asked.status, 200);
  assert.equal(asked.body.code.length, 45);
  const options = asked.body.options_json;
  assert.equal(options.rp.id, "THIS_VALUE_WILL_BE_REPLACED.example.com");
  assert.equal(options.authenticatorSelection.userVerification, "required");
  const proof = await raw(portico, "POST", "/auth/passkey/initiate-passkey-authentication", { body: {} });
  assert.equal(proof.body.options_json.rpId, "THIS_VALUE_WILL_BE_REPLACED.example.com");

  const at = (origin) => ({ id: "AQID", rawId: "AQID", type: "public-key", response: { clientDataJSON: Buffer.from(JSON.stringify({ origin })).toString("base64url") } });
  const register = (credential, code = asked.body.code) => raw(portico, "POST", "/auth/passkey/register", { tokens, body: { credential, code } });
  for (const credential of [{}, at("https://evil.example"), at("http://127.0.0.1:1")]) {
    const refused = await register(credential);
    assert.deepEqual([refused.status, refused.body.code], [400, "PASSKEY_REGISTRATION_FAILED"]);
  }
  const trusted = at("http://localhost:3000");
  assert.equal((await register(trusted)).body.code, "PASSKEY_REGISTRATION_FAILED");
  assert.equal((await register(trusted)).body.code, "VERIFICATION_CODE_NOT_FOUND");
  const nobody = await raw(portico, "POST", "/auth/passkey/sign-in", { body: { authentication_response: trusted, code: proof.body.code } });
  assert.deepEqual([nobody.status, nobody.body.code], [400, "PASSKEY_AUTHENTICATION_FAILED"]);
  const stranger = await raw(portico, "POST", "/auth/passkey/initiate-passkey-registration", { body: {} });
  assert.deepEqual([stranger.status, stranger.body.code], [401, "USER_AUTHENTICATION_REQUIRED"]);
});

test("where passkeys are switched off, the project says so and nothing is asked", async () => {
  const other = await start({ config: "[identity.stack_auth]\npasskey_enabled = false\n" });
  try {
    assert.equal((await client(other).getProject()).config.passkeyEnabled, false);
    const refused = await raw(other, "POST", "/auth/passkey/initiate-passkey-authentication", { body: {} });
    assert.deepEqual([refused.status, refused.body.code], [400, "PASSKEY_AUTHENTICATION_NOT_ENABLED"]);
  } finally {
    await other.stop();
  }
});

/** P2 in a real browser: the drop-in components of `@stackframe/react`, rendered and submitted, against a running server. */
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";
import { codeIn, mailTo, start } from "./portico.mjs";
import { address, password } from "./sdk.mjs";
import { openSite, out, signUp, who } from "./site.mjs";

let portico, site, visitor;

before(async () => {
  portico = await start();
  site = await openSite(portico);
  visitor = site.visitor;
});
after(async () => {
  await site?.close();
  await portico?.stop();
});

test("SignUp and SignIn are rendered, refuse and let in; UserButton knows who it is", async () => {
  const email = address("component");
  const secret = password();
  const first = await visitor();
  await signUp(first.page, email, secret);
  // The components load Stripe's script by themselves; the vendor's own hosts are never called.
  first.called.delete("https://js.stripe.com");
  assert.deepEqual([...first.called].sort(), [site.base, portico.base].sort());

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

/** A member makes their account safe, as they would: a password with its meter, a second step, codes for a bad day, and back in by mail. */
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { accessible, fits, interactive, launch, shoot, visitor } from "./browser.mjs";
import { mails, start } from "./portico.mjs";

let portico;
let browser;
let account;
before(async () => {
  portico = await start({ demo: true });
  browser = await launch();
  const system = await (await fetch(`${portico.base}/api/v1/system`)).json();
  account = system.demo_accounts.find((one) => one.role === "member");
});
after(async () => {
  await browser?.close();
  const ended = await portico?.stop();
  assert.equal(ended?.code, 0, ended?.log);
});

const NEW = "a lantern on the old jetty";
const LAST = "seven herons over the harbour";

/** What an authenticator app shows (RFC 6238), `ahead` steps from now. */
function codeOf(secret, ahead = 0) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replaceAll(" ", "")].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const mac = createHmac("sha1", key).update(counter).digest();
  const offset = mac[19] & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

async function fill(page, values) {
  for (const [label, value] of Object.entries(values)) await page.getByLabel(label, { exact: true }).fill(value);
}
async function signIn(page, password) {
  await page.goto("/sign-in");
  await interactive(page);
  await fill(page, { "E-mail": account.email, Password: password });
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}
async function mailWith(pattern) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const found = (await mails(portico.base, account.email)).find((mail) => pattern.test(mail.subject));
    if (found) return found;
    assert.ok(Date.now() < deadline, `no mail ${pattern}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
/** Looked at by a screen reader, and by a person if they asked for pictures. */
async function look(page, name) {
  await fits(page);
  await accessible(page);
  if (process.env.SHOTS) await shoot(page, name, { folder: process.env.SHOTS, fullPage: true });
}

test("an account is made safe, and its owner gets back in", { timeout: 240_000 }, async (t) => {
  const desk = await visitor(browser, { base: portico.base });
  const phone = await visitor(browser, { base: portico.base, viewport: "phone", scheme: "dark" });
  const { page } = desk;
  let secret;
  let codes;

  await t.test("the password is changed with a meter that says what to do", async () => {
    await signIn(page, account.password);
    await page.waitForURL("**/home");
    await page.goto("/security");
    await interactive(page);
    await look(page, "security-rest");
    await page.getByRole("region", { name: "Password", exact: true }).getByRole("button", { name: "Change" }).click();
    await fill(page, { "Present password": account.password, "New password": "password1234" });
    await page.getByText("This password is easy to guess").waitFor();
    await fill(page, { "New password": NEW });
    await page.getByText("This one is taken.").waitFor();
    await look(page, "security-password");
    await page.getByRole("button", { name: "Change it" }).click();
    await page.getByText("Your password is changed.").waitFor();
    await mailWith(/password .* was changed/);
  });

  await t.test("an app is set up, and the codes are shown once", async () => {
    const section = page.getByRole("region", { name: "Two-step verification", exact: true });
    await section.getByRole("button", { name: "Set up" }).click();
    secret = await page.locator('[data-slot="secret"]').textContent();
    await look(page, "security-enrol");
    await fill(page, { "The six-digit code that the app shows": "000000" });
    await page.getByRole("button", { name: "Turn it on" }).click();
    await page.getByText("This is not the code that the app shows now").waitFor();
    await fill(page, { "The six-digit code that the app shows": codeOf(secret) });
    await page.getByRole("button", { name: "Turn it on" }).click();
    const list = page.locator('[data-slot="recovery-codes"] li');
    await list.first().waitFor();
    codes = await list.allTextContents();
    assert.equal(codes.length, 10);
    await look(page, "security-codes");
    await page.getByLabel("I have kept them").check();
    await page.getByRole("button", { name: "Done" }).click();
    await section.getByText("10 recovery codes are left.").waitFor();
    await mailWith(/one more way/);
  });

  await t.test("a phone is asked for the second step and remembered", async () => {
    await signIn(phone.page, NEW);
    await phone.page.getByLabel("Six-digit code").waitFor();
    await look(phone.page, "second-factor-phone");
    await phone.page.keyboard.type("000000");
    await phone.page.keyboard.press("Enter");
    await phone.page.getByText("This is not the right code.").waitFor();
    // The next step's code: this one's may have been used to set the app up.
    await fill(phone.page, { "Six-digit code": codeOf(secret, 1) });
    await phone.page.getByLabel(/Do not ask for it on this device/).check();
    await phone.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await phone.page.waitForURL("**/home");
    await phone.page.goto("/security");
    await interactive(phone.page);
    const remembered = phone.page.getByRole("region", { name: "Remembered devices", exact: true });
    await remembered.getByText("This device").waitFor();
    await look(phone.page, "security-phone");
    await remembered.getByRole("button", { name: "Forget" }).click();
    await remembered.getByText("None: every device").waitFor();
  });

  await t.test("who lost the app uses a recovery code", async () => {
    const other = await visitor(browser, { base: portico.base });
    await signIn(other.page, NEW);
    await other.page.getByRole("button", { name: /Use a recovery code/ }).click();
    await other.page.getByLabel("Recovery code", { exact: true }).fill(codes[0]);
    await look(other.page, "second-factor-recovery");
    await other.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await other.page.waitForURL("**/home");
    assert.deepEqual(other.complaints, []);
    await other.context.close();
  });

  await t.test("a code by mail signs in without the password, second step included", async () => {
    const other = await visitor(browser, { base: portico.base });
    await other.page.goto("/sign-in");
    await interactive(other.page);
    await fill(other.page, { "E-mail": account.email });
    await other.page.getByRole("button", { name: "Mail me a code instead" }).click();
    await other.page.getByRole("button", { name: "Mail me a code" }).click();
    await other.page.getByLabel("Six-digit code").waitFor();
    const [code] = (await mailWith(/is your code/)).subject.split(" ");
    await look(other.page, "mail-code");
    await fill(other.page, { "Six-digit code": code });
    await other.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await other.page.getByRole("button", { name: /Use a recovery code/ }).click();
    await other.page.getByLabel("Recovery code", { exact: true }).fill(codes[1]);
    await other.page.getByRole("button", { name: "Sign in", exact: true }).click();
    await other.page.waitForURL("**/home");
    await other.context.close();
  });

  await t.test("a forgotten password is set anew through the mail, and every device is out", async () => {
    const other = await visitor(browser, { base: portico.base });
    await other.page.goto("/sign-in");
    await interactive(other.page);
    await other.page.getByRole("link", { name: "Forgot your password?" }).click();
    await other.page.waitForURL("**/forgot-password");
    await interactive(other.page);
    await fill(other.page, { "E-mail": account.email });
    await other.page.getByRole("button", { name: "Mail me a link" }).click();
    await other.page.getByText("a mail with a link is on its way").waitFor();
    const mail = await mailWith(/^A new password/);
    const link = /http\S+\/reset#\S+/.exec(mail.text)[0];
    await other.page.goto(link);
    await interactive(other.page);
    await fill(other.page, { "New password": LAST });
    await other.page.getByText("This one is taken.").waitFor();
    await look(other.page, "reset");
    await other.page.getByRole("button", { name: "Set the password" }).click();
    await other.page.getByText("Your new password is in place").waitFor();
    await page.goto("/home");
    await page.waitForURL("**/sign-in?next=*");
    await signIn(page, LAST);
    await page.getByRole("button", { name: /Use a recovery code/ }).click();
    await page.getByLabel("Recovery code", { exact: true }).fill(codes[2]);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.waitForURL("**/home");
    await other.context.close();
  });

  await t.test("no page complained", () => {
    assert.deepEqual([...desk.complaints, ...phone.complaints], []);
  });
});

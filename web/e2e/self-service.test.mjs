/** What people do with their own account, in Chromium: a picture, another address, a copy of their data, leaving and coming back. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, fits, interactive, launch, shoot, visitor } from "./browser.mjs";
import { mails, start } from "./portico.mjs";

let portico;
let browser;
let member;
before(async () => {
  portico = await start({ demo: true });
  browser = await launch();
  const system = await (await fetch(`${portico.base}/api/v1/system`)).json();
  member = system.demo_accounts.find((one) => one.role === "member");
});
after(async () => {
  await browser?.close();
  const ended = await portico?.stop();
  assert.equal(ended?.code, 0, ended?.log);
});

const signIn = (context, email = member.email) => context.request.post("/api/v1/sessions", { data: { email, password: member.password } });

/** The link to a page in the newest mail to an address that has one. */
async function linkTo(to, page) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    for (const mail of await mails(portico.base, to)) {
      const link = mail.text.split(/\s+/).find((word) => word.includes(page));
      if (link) return link;
    }
    if (Date.now() > deadline) throw new Error(`no ${page} to ${to}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

test("a picture is set and seen in the frame of every page", { timeout: 120_000 }, async () => {
  const { page, context, complaints } = await visitor(browser, { base: portico.base });
  await signIn(context);
  await page.goto("/profile");
  await interactive(page);
  await page.locator("#picture").setInputFiles({ name: "me.txt", mimeType: "text/plain", buffer: Buffer.from("no picture") });
  await page.getByText("This is no picture that can be used.").waitFor();
  await page.locator("#picture").setInputFiles({ name: "me.png", mimeType: "image/png", buffer: await square(page) });
  await page.getByText("This is you now.").waitFor();
  await page.locator('header [data-slot="avatar"] img').waitFor();
  await accessible(page);
  if (process.env.SHOTS) await shoot(page, "profile", { folder: process.env.SHOTS, fullPage: true });
  await page.getByRole("button", { name: "Remove" }).click();
  await page.getByText("Your initials stand for you again.").waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

/** A picture that the browser itself has drawn. */
async function square(page) {
  const data = await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    canvas.width = 640;
    canvas.height = 480;
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#1c7c8c";
    pen.fillRect(0, 0, 640, 480);
    pen.fillStyle = "#d77a4a";
    pen.beginPath();
    pen.arc(320, 240, 120, 0, 7);
    pen.fill();
    return canvas.toDataURL("image/png").split(",")[1];
  });
  return Buffer.from(data, "base64");
}

test("an address changes once both sides have agreed", { timeout: 120_000 }, async () => {
  const { page, context, complaints } = await visitor(browser, { base: portico.base, viewport: "phone" });
  await signIn(context);
  await page.goto("/profile");
  await interactive(page);
  await page.getByRole("button", { name: "Change", exact: true }).click();
  await page.getByRole("dialog").getByLabel("New e-mail").fill("moved@example.org");
  await page.getByRole("button", { name: "Send the two mails" }).click();
  await page.getByText("is to take its place").waitFor();
  await fits(page);
  await accessible(page);
  if (process.env.SHOTS) await shoot(page, "profile-change-phone", { folder: process.env.SHOTS, fullPage: true });
  await page.goto(await linkTo("moved@example.org", "/email-change#"));
  await page.getByRole("button", { name: "Yes, it is mine" }).click();
  await page.getByText(`Now the mail to ${member.email}`).waitFor();
  await page.goto(await linkTo(member.email, "/email-change#"));
  await interactive(page);
  if (process.env.SHOTS) await shoot(page, "email-change-phone", { folder: process.env.SHOTS });
  await page.getByRole("button", { name: "Agree to the change" }).click();
  await page.getByText("Your address is moved@example.org").waitFor();
  await page.goto("/profile");
  await page.getByText("moved@example.org").first().waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test("a copy of one's data is made while one looks on", { timeout: 120_000 }, async () => {
  const { page, context, complaints } = await visitor(browser, { base: portico.base });
  await signIn(context, "moved@example.org");
  await page.goto("/your-data");
  await interactive(page);
  if (process.env.SHOTS) await shoot(page, "your-data", { folder: process.env.SHOTS, fullPage: true });
  await page.getByRole("button", { name: "Make a copy of my data" }).click();
  const link = page.getByRole("link", { name: "Download" });
  await link.waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  assert.equal(download.suggestedFilename(), "my-data.zip");
  await accessible(page);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("leaving is asked for twice, and signing in takes it back", { timeout: 120_000 }, async () => {
  const { page, context, complaints } = await visitor(browser, { base: portico.base, viewport: "phone", scheme: "dark" });
  await signIn(context, "moved@example.org");
  await page.goto("/your-data");
  await interactive(page);
  await page.getByRole("button", { name: "Delete my account" }).click();
  const dialog = page.getByRole("dialog");
  const sure = dialog.getByRole("button", { name: "Delete my account" });
  assert.equal(await sure.isDisabled(), true);
  await dialog.getByLabel(/Type .* to go on/).fill("moved@example.org");
  await accessible(page);
  if (process.env.SHOTS) await shoot(page, "leave-phone-dark", { folder: process.env.SHOTS });
  await sure.click();
  await page.waitForURL("**/goodbye");
  assert.equal((await context.request.get("/api/v1/me")).status(), 401);
  await page.getByRole("link", { name: "Sign in and keep it" }).click();
  await interactive(page);
  await page.getByLabel("E-mail", { exact: true }).fill("moved@example.org");
  await page.getByLabel("Password", { exact: true }).fill(member.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  // Whoever comes back is told so, and by mail too.
  await page.waitForURL((url) => url.pathname === "/your-data");
  await page.getByText("Your account was to be deleted; you signed in, so it stays", { exact: false }).waitFor();
  await interactive(page);
  await fits(page);
  await accessible(page);
  if (process.env.SHOTS) await shoot(page, "kept-phone-dark", { folder: process.env.SHOTS });
  const deadline = Date.now() + 20_000;
  while (!(await mails(portico.base, "moved@example.org")).some((mail) => mail.subject.endsWith(" stays"))) {
    assert.ok(Date.now() < deadline, "no mail tells of it");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.deepEqual(complaints, []);
  await context.close();
});

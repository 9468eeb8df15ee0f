/** A staff member's way through people: suspend and undo, roles, many at once, a file. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, fits, interactive, launch, shoot, VIEWPORTS, visitor } from "./browser.mjs";
import { mailTo, start } from "./portico.mjs";

const PATIENCE = { timeout: 60_000 };
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

async function signedIn(role, options = {}) {
  const { page, context, complaints } = await visitor(browser, { base: portico.base, ...options });
  page.setDefaultTimeout(PATIENCE.timeout);
  const account = accounts.find((one) => one.role === role);
  const answer = await context.request.post("/api/v1/sessions", { data: { email: account.email, password: account.password } });
  assert.equal(answer.status(), 201);
  return { page, context, complaints, account };
}

const picture = async (page, name) => {
  if (process.env.SHOTS) await shoot(page, name, { folder: process.env.SHOTS, fullPage: true });
};

/** Somebody of that name, by the list's own search. */
async function findPerson(page, name) {
  await page.goto(`/admin/users?search=${encodeURIComponent(name)}`);
  await interactive(page);
  await page.getByRole("link", { name: new RegExp(name) }).first().click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
  await interactive(page);
}

test("a member is suspended, and an undo brings them back", { timeout: 180_000 }, async () => {
  const staff = await signedIn("admin");
  const member = await signedIn("member");
  await findPerson(staff.page, "Mia Keller");
  await picture(staff.page, "person");
  await accessible(staff.page);
  await staff.page.getByRole("button", { name: "Suspend" }).click();
  const dialog = staff.page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Suspend" }).click();
  await dialog.getByText("Please say something here.").waitFor();
  await dialog.getByLabel("Why").fill("Wrote to everybody");
  await picture(staff.page, "person-suspending");
  await accessible(staff.page);
  await dialog.getByRole("button", { name: "Suspend" }).click();
  await staff.page.getByText(/Wrote to everybody/).first().waitFor();
  assert.equal((await member.context.request.get("/api/v1/me")).status(), 401);
  await picture(staff.page, "person-suspended");
  await staff.page.getByRole("region", { name: "Messages" }).getByRole("button", { name: "Undo" }).click();
  await staff.page.getByRole("button", { name: "Suspend" }).waitFor();
  assert.equal((await member.context.request.post("/api/v1/sessions", { data: { email: member.account.email, password: member.account.password } })).status(), 201);
  assert.deepEqual(staff.complaints, []);
  await staff.context.close();
  await member.context.close();
});

test("a note is kept for other staff", { timeout: 120_000 }, async () => {
  const { page, context } = await signedIn("admin");
  await findPerson(page, "Mia Keller");
  await page.getByLabel("A note for other staff").fill("Prefers to be called in the morning");
  await page.getByRole("button", { name: "Keep note" }).click();
  await page.getByRole("region", { name: "Notes" }).getByText("Prefers to be called in the morning").waitFor();
  await context.close();
});

test("a role is made, given and taken, and removed", { timeout: 180_000 }, async () => {
  const { page, context, complaints } = await signedIn("admin");
  await page.goto("/admin/roles");
  await interactive(page);
  await picture(page, "roles");
  await accessible(page);
  await page.getByRole("button", { name: "New role" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Night shift");
  await dialog.getByLabel("What it is for").fill("Looks after the place at night");
  await dialog.getByLabel(/See the list of people/).check();
  await picture(page, "role-new");
  await accessible(page);
  await dialog.getByRole("button", { name: "Make role" }).click();
  await page.getByText("Looks after the place at night").waitFor();
  await findPerson(page, "Mia Keller");
  await page.getByRole("button", { name: "Give a role" }).click();
  await page.getByRole("menuitem", { name: /Night shift/ }).click();
  await page.getByRole("button", { name: "Take Night shift from Mia Keller" }).waitFor();
  await page.goto("/admin/roles");
  await interactive(page);
  await page.getByRole("button", { name: "Remove Night shift" }).click();
  await dialog.getByText("1 person holds it.", { exact: false }).waitFor();
  await picture(page, "role-removing");
  await dialog.getByRole("button", { name: "Remove" }).click();
  await page.getByText("Night shift is removed.").waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test("many are suspended at once, with the number before and an undo after", { timeout: 180_000 }, async () => {
  const { page, context, complaints } = await signedIn("admin");
  await page.goto("/admin/users?role=member");
  await interactive(page);
  await page.getByLabel("Select everybody on this page").check();
  const bar = page.getByRole("region", { name: "Selected people" });
  await bar.getByText("25 selected").waitFor();
  await picture(page, "users-selected");
  await bar.getByRole("button", { name: /Select all \d+ who match/ }).click();
  await bar.getByText(/^\d{2,} selected/).waitFor();
  const said = Number((await bar.getByRole("status").textContent()).replace(/\D/g, ""));
  assert.ok(said > 25);
  await bar.getByRole("button", { name: "Suspend" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("heading", { name: `Suspend: ${said} people` }).waitFor();
  await dialog.getByLabel("Why").fill("A drill");
  await picture(page, "users-bulk-ask");
  await accessible(page);
  await dialog.getByRole("button", { name: `Suspend ${said}` }).click();
  const progress = page.getByRole("region", { name: "Progress" });
  await progress.getByText(`${said} suspended`).waitFor();
  await picture(page, "users-bulk-done");
  await progress.getByRole("button", { name: "Undo" }).click();
  await progress.getByText(`${said} restored`).waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test("a range is picked with shift, by the keyboard too", { timeout: 120_000 }, async () => {
  const { page, context } = await signedIn("admin");
  await page.goto("/admin/users");
  await interactive(page);
  const boxes = page.locator("tbody input[type=checkbox]");
  await boxes.nth(1).click();
  await boxes.nth(4).click({ modifiers: ["Shift"] });
  await page.getByText("4 selected").waitFor();
  await boxes.nth(6).focus();
  await page.keyboard.press("Space");
  await page.getByText("5 selected").waitFor();
  await page.getByRole("button", { name: "Select nobody" }).click();
  await page.getByText("5 selected").waitFor({ state: "detached" });
  await context.close();
});

test("a view is kept with its filter and its columns, and what is shown becomes a file", { timeout: 180_000 }, async () => {
  const { page, context, complaints } = await signedIn("admin");
  await page.goto("/admin/users");
  await interactive(page);
  await page.getByRole("button", { name: "More filters" }).click();
  await page.getByLabel("Address").selectOption("true");
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("menuitemcheckbox", { name: "Second factor" }).click();
  await picture(page, "users-columns");
  await accessible(page);
  await page.keyboard.press("Escape");
  await page.getByRole("columnheader", { name: "Second factor" }).waitFor();
  await page.getByRole("button", { name: "Views" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Keep what is shown now as").fill("Proved");
  await dialog.getByRole("button", { name: "Keep view" }).click();
  await page.goto("/admin/users");
  await interactive(page);
  await page.getByRole("button", { name: "Views" }).click();
  await dialog.getByRole("link", { name: "Proved" }).click();
  await page.waitForURL(/verified=true/);
  await page.getByRole("columnheader", { name: "Second factor" }).waitFor();
  await page.getByRole("button", { name: "Export" }).click();
  const download = page.waitForEvent("download");
  await page.getByRole("menuitem", { name: "As CSV" }).click();
  assert.equal((await download).suggestedFilename(), "members.csv");
  assert.deepEqual(complaints, []);
  await context.close();
});

test("people come in from a file, looked at first", { timeout: 180_000 }, async () => {
  const { page, context, complaints } = await signedIn("admin");
  await page.goto("/admin/users/import");
  await interactive(page);
  await accessible(page);
  const csv = "Full name;Address (e-mail);Role\nNia Brandt;nia.brandt@example.org;\nOtto;not an address;\nPia Lind;pia.lind@example.org;Editor\nMia;mia.keller@demo.example;\n";
  await page.getByLabel("CSV file").setInputFiles({ name: "members.csv", mimeType: "text/csv", buffer: Buffer.from(csv) });
  await page.getByRole("button", { name: "Look at it" }).click();
  await page.getByText("members.csv").waitFor();
  await page.getByRole("button", { name: "Try it without importing" }).click();
  await page.getByText("2 can come in, 2 cannot.").waitFor();
  await page.getByText("This is no e-mail address.").waitFor();
  await picture(page, "import-checked");
  await fits(page);
  await accessible(page);
  await page.getByRole("button", { name: "Import 2 people" }).click();
  await page.getByText("2 people are here now. Nobody was mailed.").waitFor();
  await page.getByRole("link", { name: "See them" }).click();
  await page.getByText("nia.brandt@example.org").waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test("somebody is invited, comes in by the mail, and is a member", { timeout: 180_000 }, async () => {
  const { page, context, complaints } = await signedIn("admin");
  await page.goto("/admin/users");
  await interactive(page);
  await page.getByRole("button", { name: "Invite" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("E-mail").fill("quinn@example.org");
  await picture(page, "invite");
  await accessible(page);
  await dialog.getByRole("button", { name: "Invite" }).click();
  await page.getByText("quinn@example.org gets a mail with a link.").waitFor();
  const mail = await mailTo(portico.base, "quinn@example.org");
  const link = /http\S+\/invite#\S+/.exec(mail.text)[0];
  const guest = await visitor(browser, { base: portico.base });
  await guest.page.goto(link);
  await interactive(guest.page);
  await guest.page.getByLabel("Your name").fill("Quinn Abel");
  await guest.page.getByLabel("Password").fill("four-quiet-arches-more");
  await picture(guest.page, "invite-page");
  await accessible(guest.page);
  await guest.page.getByRole("button", { name: "Come in" }).click();
  await guest.page.waitForURL("**/home");
  assert.deepEqual([...complaints, ...guest.complaints], []);
  await guest.context.close();
  await context.close();
});

test("a key is made for a machine, shown once, used, and taken back", { timeout: 180_000 }, async () => {
  const { page, context, complaints } = await signedIn("admin");
  await page.goto("/admin/api-keys");
  await interactive(page);
  await accessible(page);
  await page.getByRole("button", { name: "New key" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Nightly report");
  await dialog.getByLabel(/See the list of people/).check();
  await dialog.getByRole("button", { name: "Make key" }).click();
  const secret = await dialog.locator("code").first().textContent();
  await picture(page, "api-key");
  await accessible(page);
  const ask = () => fetch(`${portico.base}/api/v1/users?limit=1`, { headers: { authorization: `Bearer ${secret}` } });
  assert.equal((await ask()).status, 200);
  await dialog.getByRole("button", { name: "I have it" }).click();
  await page.getByRole("button", { name: "Take Nightly report back" }).click();
  await dialog.getByRole("button", { name: "Take back" }).click();
  await page.getByText("The key no longer works.").waitFor();
  assert.equal((await ask()).status, 401);
  await picture(page, "api-keys");
  assert.deepEqual(complaints, []);
  await context.close();
});

test("the logs say who did what and who tried the doors", { timeout: 180_000 }, async () => {
  const { page, context, complaints } = await signedIn("admin");
  await context.request.post("/api/v1/sessions", { data: { email: "nobody@example.org", password: "wrong" } });
  await page.goto("/admin/security");
  await interactive(page);
  await page.getByText("Nobody's: nobody@example.org").first().waitFor();
  await picture(page, "security");
  await accessible(page);
  await page.getByLabel("Kind").selectOption("signed_in");
  await page.waitForURL(/kinds=signed_in/);
  await page.goto("/admin/activity");
  await interactive(page);
  await page.getByLabel("What was done").selectOption("api_key.");
  await page.getByText("api_key.created").first().waitFor();
  await picture(page, "activity");
  await accessible(page);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("what a role may not do is not offered", { timeout: 120_000 }, async () => {
  const { page, context } = await signedIn("admin");
  const role = accounts.find((one) => one.role === "editor");
  if (role) {
    const editor = await signedIn("editor");
    await findPerson(editor.page, "Mia Keller");
    assert.equal(await editor.page.getByRole("button", { name: "Suspend" }).count(), 0);
    assert.equal(await editor.page.getByRole("region", { name: "Notes" }).count(), 0);
    await editor.context.close();
  }
  // Nobody acts on themselves here.
  await findPerson(page, "Ada Whitfield");
  assert.equal(await page.getByRole("button", { name: "Suspend" }).count(), 0);
  await context.close();
});

for (const viewport of Object.keys(VIEWPORTS)) {
  for (const scheme of ["light", "dark"]) {
    test(`the pages of people at ${viewport} size in ${scheme}`, { timeout: 180_000 }, async () => {
      const { page, context, complaints } = await signedIn("admin", { viewport, scheme });
      for (const path of ["/admin/users", "/admin/users?search=nobody-like-this", "/admin/roles", "/admin/security", "/admin/activity", "/admin/api-keys", "/admin/users/import"]) {
        await page.goto(path);
        await interactive(page);
        await page.locator("main [aria-busy=true]").first().waitFor({ state: "detached" });
        await fits(page);
        await accessible(page);
        await picture(page, `${path.replace(/\W+/g, "-")}-${viewport}-${scheme}`);
      }
      await findPerson(page, "Mia Keller");
      await page.locator("main [aria-busy=true]").first().waitFor({ state: "detached" });
      await fits(page);
      await accessible(page);
      await picture(page, `person-${viewport}-${scheme}`);
      assert.deepEqual(complaints, []);
      await context.close();
    });
  }
}

/** The words of a mail, as whoever runs the place changes them: seen while they are typed, refused where they cannot be, sent to oneself, kept, put back. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, becomeOwner, fits, interactive, launch, SCHEMES, shoot, VIEWPORTS, visitor } from "./browser.mjs";
import { mailTo, mails, start } from "./portico.mjs";

const OWNER = { name: "Olga Owner", email: "olga@example.org", password: "four quiet arches by the sea" };
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

const picture = async (page, name) => {
  if (process.env.SHOTS) await shoot(page, name, { folder: process.env.SHOTS, fullPage: true });
};

test("a mail is put into other words and back", { timeout: 240_000 }, async (t) => {
  const { page, complaints } = await visitor(browser, { base: portico.base });
  page.setDefaultTimeout(60_000);
  await becomeOwner(page, portico.setupLink, OWNER);
  await page.getByRole("link", { name: "Mails" }).click();
  await page.getByRole("link", { name: "Welcome", exact: true }).click();
  await page.waitForURL("**/admin/mails/welcome_verify");
  const heading = page.getByLabel("First line");
  const frame = page.frameLocator('iframe[title="Preview of the mail"]');

  await t.test("it is seen as it will look, while it is typed", async () => {
    await frame.getByText("Welcome, Ada", { exact: true }).waitFor();
    await heading.fill("Ahoy, ");
    await page.getByRole("button", { name: "{{ name }}", exact: true }).click();
    assert.equal(await heading.inputValue(), "Ahoy, {{ name }}");
    await frame.getByText("Ahoy, Ada", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Plain text" }).click();
    await page.getByText("Ahoy, Ada", { exact: false }).first().waitFor();
    await page.getByRole("button", { name: "Designed" }).click();
  });

  await t.test("what it does not know is said beside the field, and nothing is saved", async () => {
    await page.getByLabel("Subject", { exact: true }).fill("Hello {{ nickname }}");
    await page.getByText("This mail knows no {{ nickname }}.", { exact: false }).waitFor();
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("This mail knows no {{ nickname }}.", { exact: false }).waitFor();
    const kept = await page.context().request.get("/api/v1/mail-words/welcome_verify");
    assert.equal((await kept.json()).version, 0);
    await page.getByLabel("Subject", { exact: true }).fill("Come aboard, {{ name }}");
    await page.getByText("Come aboard, Ada").waitFor();
  });

  await t.test("it is sent to oneself, saved, and says so from then on", async () => {
    await page.getByRole("button", { name: "Send it to me" }).click();
    const trial = await mailTo(portico.base, OWNER.email);
    assert.equal(trial.subject, "Come aboard, Ada");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Changed by Olga Owner", { exact: false }).waitFor();
    const answer = await fetch(`${portico.base}/api/v1/accounts`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ email: "mia@example.org", name: "Mia", password: "three quiet boats at noon" }) });
    assert.equal(answer.status, 202);
    const welcome = await mailTo(portico.base, "mia@example.org");
    assert.equal(welcome.subject, "Come aboard, Mia");
    assert.match(welcome.text, /^Ahoy, Mia/);
  });

  await t.test("it looks right everywhere", async () => {
    for (const [viewport, size] of Object.entries(VIEWPORTS)) {
      for (const scheme of SCHEMES) {
        await page.setViewportSize(size);
        await page.emulateMedia({ colorScheme: scheme });
        await page.reload();
        await interactive(page);
        await frame.getByText("Ahoy, Ada", { exact: true }).waitFor();
        await fits(page);
        await accessible(page);
        await picture(page, `mails-one-${viewport}-${scheme}`);
        // A frame of its own is drawn where it is in sight.
        await page.locator('iframe[title="Preview of the mail"]').scrollIntoViewIfNeeded();
        if (process.env.SHOTS) await shoot(page, `mails-frame-${viewport}-${scheme}`, { folder: process.env.SHOTS });
        await page.goto("/admin/mails");
        await interactive(page);
        await page.getByText("Changed", { exact: true }).waitFor();
        await fits(page);
        await accessible(page);
        await picture(page, `mails-list-${viewport}-${scheme}`);
        await page.goto("/admin/mails/welcome_verify");
      }
    }
    await page.setViewportSize(VIEWPORTS.desktop);
  });

  await t.test("it says again what it came with", async () => {
    await interactive(page);
    await page.getByRole("button", { name: "Back to what it came with" }).click();
    await page.getByRole("button", { name: "Take them away" }).click();
    await page.getByText("It says what it came with.", { exact: false }).first().waitFor();
    assert.equal(await heading.inputValue(), "Welcome, {{ name }}");
    // One goes back to the list, not through every preview that was shown.
    await page.goBack();
    await page.waitForURL((url) => url.pathname === "/admin/mails");
    assert.equal((await mails(portico.base, "mia@example.org")).length, 1);
  });
  assert.deepEqual(complaints, []);
});

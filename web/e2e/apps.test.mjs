/** What whoever runs the place gives to the SDK of Stack Auth: seen, copied, a secret key made and the old one taken back. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { accessible, becomeOwner, fits, interactive, launch, SCHEMES, shoot, VIEWPORTS, visitor } from "./browser.mjs";
import { freePort, start } from "./portico.mjs";

const OWNER = { name: "Olga Owner", email: "olga@example.org", password: "four quiet arches by the sea" };
const folder = mkdtempSync(path.join(tmpdir(), "portico-apps-"));
const config = path.join(folder, "portico.toml");
let portico;
let browser;
before(async () => {
  // A list has no form in the environment.
  writeFileSync(config, '[identity.stack_auth]\ntrusted_domains = ["https://app.example.org"]\n');
  portico = await start({
    host: "localhost",
    port: await freePort(),
    env: {
      PORTICO_IDENTITY__PROVIDERS__WORK__TITLE: "Work",
      PORTICO_IDENTITY__PROVIDERS__WORK__ISSUER: "https://id.example.org",
      PORTICO_IDENTITY__PROVIDERS__WORK__CLIENT_ID: "portico",
      PORTICO_CONFIG: config,
    },
  });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  const ended = await portico?.stop();
  rmSync(folder, { recursive: true, force: true });
  assert.equal(ended?.code, 0, ended?.log);
});

const picture = async (page, name) => {
  if (process.env.SHOTS) await shoot(page, name, { folder: process.env.SHOTS, fullPage: true });
};

/** Whether a secret key opens the list of people. */
async function opens(key, project) {
  const headers = { "x-stack-project-id": project, "x-stack-access-type": "server", "x-stack-secret-server-key": key };
  return (await fetch(`${portico.base}/stack/api/v1/users`, { headers })).ok;
}

test("the operator finds what an app needs, makes a secret key and takes the old one back", { timeout: 240_000 }, async () => {
  const { page, context, complaints } = await visitor(browser, { base: portico.base });
  page.setDefaultTimeout(60_000);
  await becomeOwner(page, portico.setupLink, OWNER);
  await page.goto("/admin/apps");
  await interactive(page);
  const project = await (await context.request.get("/api/v1/stack-project")).json();
  for (const text of [`${portico.base}/stack`, project.project_id, project.publishable_client_key, "https://app.example.org", `${portico.base}/stack/api/v1/auth/oauth/callback/work`]) await page.getByText(text, { exact: true }).first().waitFor();
  for (const [viewport, size] of Object.entries(VIEWPORTS)) {
    for (const scheme of SCHEMES) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme: scheme });
      await fits(page);
      await accessible(page);
      await picture(page, `apps-${viewport}-${scheme}`);
    }
  }
  await page.setViewportSize(VIEWPORTS.desktop);
  await page.emulateMedia({ colorScheme: "light" });

  const made = async () => {
    await page.getByRole("button", { name: "New key" }).click();
    const dialog = page.getByRole("dialog");
    await picture(page, "apps-new-key");
    await dialog.getByRole("button", { name: "Make key" }).click();
    const secret = await dialog.getByText(/^ssk_[0-9a-z]{45}$/).textContent();
    await accessible(page);
    await picture(page, "apps-key-made");
    await dialog.getByRole("button", { name: "I have it" }).click();
    await dialog.waitFor({ state: "hidden" });
    assert.equal((await page.content()).includes(secret), false);
    return secret;
  };
  const first = await made();
  await page.getByText("Both work now.").waitFor();
  assert.ok(await opens(first, project.project_id));
  const second = await made();
  assert.ok((await opens(first, project.project_id)) && (await opens(second, project.project_id)));
  await page.getByText(`ssk_…${second.slice(-4)}`).waitFor();
  await picture(page, "apps-two-keys");
  await page.getByRole("button", { name: "Take back" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Take back" }).click();
  await page.getByText("The old key no longer works.").waitFor();
  await page.getByText("Both work now.").waitFor({ state: "hidden" });
  assert.deepEqual([await opens(first, project.project_id), await opens(second, project.project_id)], [false, true]);
  assert.deepEqual(complaints, []);
  await context.close();
});

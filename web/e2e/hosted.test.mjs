/** A hosted project, connected in the admin: another Portico is the project, and its people come in. */
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { accessible, fits, interactive, launch, SCHEMES, shoot, VIEWPORTS, visitor } from "./browser.mjs";
import { start } from "./portico.mjs";

const OWNER = { name: "Olga Owner", email: "olga@example.org", password: "four quiet arches by the sea" };
const SECRET = randomBytes(24);
let there;
let here;
let browser;
before(async () => {
  [there, here] = [await start(), await start()];
  browser = await launch();
});
after(async () => {
  await browser?.close();
  for (const server of [there, here]) {
    const ended = await server?.stop();
    assert.equal(ended?.code, 0, ended?.log);
  }
});

/** Makes the owner without a page: what this test looks at comes after. */
async function owner(context, server) {
  const token = server.setupLink.split("#")[1];
  const made = await context.request.post(`${server.base}/api/v1/setup`, { data: { token, ...OWNER } });
  assert.equal(made.status(), 201, await made.text());
}

async function deliver(kind, data) {
  const [id, at, body] = [`msg_${randomBytes(8).toString("hex")}`, `${Math.floor(Date.now() / 1000)}`, JSON.stringify({ type: kind, data })];
  const code = createHmac("sha256", SECRET).update(`${id}.${at}.${body}`).digest("base64");
  const headers = { "content-type": "application/json", "svix-id": id, "svix-timestamp": at, "svix-signature": `v1,${code}` };
  const answer = await fetch(`${here.base}/api/v1/hosted-stack/webhooks`, { method: "POST", headers, body });
  assert.equal(answer.status, 204, await answer.text());
}

test("staff connect a project, compare both sides and see what it told", { timeout: 300_000 }, async () => {
  const other = await visitor(browser, { base: there.base });
  await owner(other.context, there);
  const project = await (await other.context.request.get("/api/v1/stack-project")).json();
  const made = await other.context.request.post("/api/v1/stack-project/secret-keys");
  const key = (await made.json()).secret_server_key;
  const headers = { "x-stack-project-id": project.project_id, "x-stack-access-type": "server", "x-stack-secret-server-key": key, "content-type": "application/json" };
  const ask = async (path, body, method = "POST") => {
    const answer = await fetch(`${there.base}/stack/api/v1${path}`, { method, headers, body: JSON.stringify(body) });
    assert.ok(answer.ok, `${path}: ${answer.status}`);
    return answer.json();
  };
  const person = (name, verified) => ask("/users", { primary_email: `${name.toLowerCase()}@example.org`, primary_email_verified: verified, primary_email_auth_enabled: true, display_name: name });
  const ada = await person("Ada", true);
  await person("Bob", true);
  await person("Cy", false);

  const { page, context, complaints } = await visitor(browser, { base: here.base });
  page.setDefaultTimeout(60_000);
  const picture = async (name) => {
    for (const [viewport, size] of Object.entries(VIEWPORTS)) {
      for (const scheme of SCHEMES) {
        await page.setViewportSize(size);
        await page.emulateMedia({ colorScheme: scheme });
        await fits(page);
        await accessible(page);
        if (process.env.SHOTS) await shoot(page, `${name}-${viewport}-${scheme}`, { folder: process.env.SHOTS, fullPage: true });
      }
    }
    await page.setViewportSize(VIEWPORTS.desktop);
  };
  await owner(context, here);
  await page.goto("/admin/hosted-project");
  await interactive(page);
  await page.getByText("No project is trusted").waitFor();
  await picture("hosted-none");
  await page.getByRole("button", { name: "Connect a project" }).click();
  await page.getByLabel("Project id").fill(project.project_id);
  await page.getByLabel("Address of its API").fill(`${there.base}/stack`);
  await page.getByLabel("Secret server key").fill("ssk_wrong");
  await page.getByLabel("Webhook secrets").fill(`whsec_${SECRET.toString("base64")}`);
  await page.getByRole("button", { name: "Add a rule" }).click();
  await page.getByLabel("Rule 1: what is looked at").selectOption({ label: "Server metadata" });
  await page.getByLabel("Rule 1: Key").fill("rank");
  await page.getByLabel("Rule 1: Value").fill("editor");
  await page.getByLabel("Rule 1: role").selectOption({ label: "Editor" });
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.getByText("nothing was changed").waitFor();
  await picture("hosted-connect");
  await page.getByLabel("Secret server key").fill(key);
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.getByText("Trusted", { exact: true }).waitFor();

  await page.getByRole("button", { name: "Compare and mend" }).click();
  await page.getByText("Has not proved the address there yet").waitFor();
  await page.getByText("2 mended").or(page.getByText("3 mended")).waitFor();
  await ask(`/users/${ada.id}`, { display_name: "Ada Lovelace", server_metadata: { rank: "editor" } }, "PATCH");
  await page.getByRole("button", { name: "Compare only" }).click();
  await page.getByText("Ada Lovelace").first().waitFor();
  await page.getByText("nothing was changed").waitFor();
  await deliver("user.updated", { id: ada.id });
  await deliver("email.sent", {});
  await page.reload();
  await interactive(page);
  await page.getByText("user.updated").waitFor();
  await page.getByText("Applied", { exact: true }).last().waitFor();
  await page.getByRole("button", { name: "Check the connection" }).click();
  await page.getByText("It answers").waitFor();
  await picture("hosted");
  assert.deepEqual(complaints, []);
});

/** Two people side by side: what one does the other sees, through a cut network and a killed server, everything once, without a reload. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { becomeOwner, interactive, launch, visitor } from "./browser.mjs";
import { cable } from "./cable.mjs";
import { start } from "./portico.mjs";

const PASSWORD = "four quiet arches by the sea";
let portico;
let browser;
const cables = [];
before(async () => {
  portico = await start();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await Promise.all(cables.map((one) => one.close()));
  const ended = await portico?.stop();
  assert.equal(ended?.code, 0, ended?.log);
});

/** Asks the API in a page's name; a server that is away is asked again. */
async function ask(page, method, path, body) {
  const answer = await page.evaluate(
    async ([how, where, what]) => {
      const answered = await fetch(`/api/v1${where}`, { method: how, ...(what ? { headers: { "content-type": "application/json" }, body: JSON.stringify(what) } : {}) });
      return { status: answered.status, text: await answered.text() };
    },
    [method, path, body],
  );
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.text ? JSON.parse(answer.text) : null;
}

async function register(n) {
  const answer = await fetch(`${portico.base}/api/v1/accounts`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: `person${n}@example.org`, name: `Person ${n}`, password: PASSWORD }),
  });
  assert.equal(answer.status, 202, await answer.text());
}

/** A browser behind a network of its own, and what it asked the API for. */
async function person() {
  const line = await cable();
  cables.push(line);
  const one = await visitor(browser, { base: portico.base, proxy: line.proxy });
  const asked = [];
  one.page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith("/api/v1/")) asked.push(pathname);
  });
  return { ...one, line, asked };
}

const live = (page) => page.locator('[data-slot="live"][data-state="live"]').first().waitFor({ timeout: 90_000 });
const away = (page) => page.locator('[data-slot="live"][data-state="reconnecting"]').first().waitFor({ timeout: 90_000 });

/** What waits above a list is let in as it comes, until each of these stands there once. */
async function shows(page, texts) {
  const fresh = page.locator('[data-slot="new-rows"]');
  for (const text of texts) {
    const row = page.getByText(text, { exact: true });
    await row.or(fresh).first().waitFor({ timeout: 90_000 });
    for (;;) {
      if (await row.count()) break;
      await fresh.click();
      await row.or(fresh).first().waitFor({ timeout: 90_000 });
    }
  }
  for (const text of texts) assert.equal(await page.getByText(text, { exact: true }).count(), 1, text);
}

/** A page that was loaded anew has forgotten this. */
const mark = (page) => page.evaluate(() => (globalThis.stillHere = true));
const marked = (page) => page.evaluate(() => globalThis.stillHere === true);

test("two browsers, side by side", { timeout: 420_000 }, async (t) => {
  const staff = await person();
  const member = await person();
  let memberId;
  const publish = (title) => ask(staff.page, "POST", "/updates", { title, body: `${title}, in full.`, audience: { kind: "users", users: [memberId] } });

  await t.test("a member of staff and a member are there", async () => {
    await becomeOwner(staff.page, portico.setupLink, { name: "Ada", email: "ada@example.org", password: PASSWORD });
    await register(0);
    const [mail] = await waitFor(async () => {
      const mails = await (await fetch(`${portico.base}/_mail/api/messages?to=person0%40example.org`)).json();
      return mails.length ? mails : null;
    });
    const token = /\/verify#(\S+)/.exec(mail.text)[1];
    await member.page.goto(`/verify#${token}`);
    await member.page.getByRole("button", { name: "Confirm and finish" }).click();
    await member.page.waitForURL(/\/(home|sign-in)/);
    if (member.page.url().includes("sign-in")) {
      await interactive(member.page);
      await member.page.getByLabel("E-mail", { exact: true }).fill("person0@example.org");
      await member.page.getByLabel("Password", { exact: true }).fill(PASSWORD);
      await member.page.getByRole("button", { name: "Sign in", exact: true }).click();
      await member.page.waitForURL("**/home");
    }
    memberId = (await ask(member.page, "GET", "/me")).id;
    await live(member.page);
    await mark(member.page);
  });

  await t.test("a page that the server rendered asks for nothing more, and goes on from where it was read", async () => {
    const { page, asked } = staff;
    // The socket opens only when the test lets it: somebody comes in between the page and its socket.
    let open;
    const held = new Promise((resolve) => (open = resolve));
    await page.routeWebSocket(/\/realtime\/v1\//, async (socket) => {
      await held;
      socket.connectToServer();
    });
    await page.goto("/admin/users");
    await interactive(page);
    await page.getByText("person0@example.org").waitFor();
    asked.length = 0;
    await register(1);
    open();
    await live(page);
    await shows(page, ["person1@example.org"]);
    await page.goto("/admin/activity");
    await interactive(page);
    asked.length = 0;
    await live(page);
    // Where it read again, it would have asked at the very moment at which it became live.
    assert.deepEqual(asked.filter((path) => path === "/api/v1/audit"), []);
  });

  await t.test("what one does, the other sees", async () => {
    await staff.page.goto("/admin/users");
    await live(staff.page);
    await mark(staff.page);
    await publish("Update 1");
    await shows(member.page, ["Update 1"]);
    const row = staff.page.getByRole("row").filter({ hasText: "person0@example.org" });
    await row.locator('[data-online="true"]').first().waitFor();
  });

  await t.test("who one is follows what staff do, and what one does in another tab", async () => {
    const { page } = staff;
    await ask(page, "PUT", `/users/${memberId}/roles/support`);
    await member.page.locator('[data-slot="account"]').first().click();
    await member.page.getByRole("menuitem", { name: "Staff pages" }).waitFor({ timeout: 90_000 });
    await ask(page, "DELETE", `/users/${memberId}/roles/support`);
    await member.page.getByRole("menuitem", { name: "Staff pages" }).waitFor({ state: "detached", timeout: 90_000 });
    await member.page.keyboard.press("Escape");
    const tab = await staff.context.newPage();
    await tab.goto("/profile");
    await ask(tab, "PATCH", "/me", { display_name: "Ada of the quay" });
    await tab.close();
    await page.locator('[data-slot="account"]').getByText("Ada of the quay").first().waitFor({ timeout: 90_000 });
    // A role that loses a right takes it from whoever holds it, and its entry from their pages.
    await ask(page, "POST", "/roles", { title: "Watch", permissions: ["users.read", "audit.read"] });
    await ask(page, "PUT", `/users/${memberId}/roles/watch`);
    const other = await member.context.newPage();
    await other.goto("/admin");
    const entry = other.getByRole("navigation", { name: "Staff" }).getByRole("link", { name: "Activity" });
    await entry.waitFor();
    await live(other);
    await ask(page, "PUT", "/roles/watch", { title: "Watch", permissions: ["users.read"] });
    await entry.waitFor({ state: "detached", timeout: 90_000 });
    await ask(page, "DELETE", `/users/${memberId}/roles/watch`);
    await other.close();
    assert.deepEqual([await marked(page), await marked(member.page)], [true, true]);
  });

  await t.test("devices come and go on their owner's page, and staff see who tries the doors", async () => {
    const signIn = (password) =>
      fetch(`${portico.base}/api/v1/sessions`, {
        method: "POST",
        headers: { "content-type": "application/json", "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" },
        body: JSON.stringify({ email: "person0@example.org", password }),
      });
    const own = await member.context.newPage();
    await own.goto("/security");
    await live(own);
    const devices = own.getByText("Firefox on Linux");
    assert.equal(await devices.count(), 0);
    const answer = await signIn(PASSWORD);
    assert.equal(answer.status, 201, await answer.clone().text());
    await devices.first().waitFor({ timeout: 90_000 });
    const cookie = answer.headers.getSetCookie().map((one) => one.split(";")[0]).join("; ");
    const ended = await fetch(`${portico.base}/api/v1/sessions/current`, { method: "DELETE", headers: { cookie, "sec-fetch-site": "same-origin" } });
    assert.equal(ended.status, 204, await ended.text());
    await devices.first().waitFor({ state: "detached", timeout: 90_000 });
    await own.close();
    const doors = await staff.context.newPage();
    await doors.goto("/admin/security?kinds=sign_in_failed");
    await live(doors);
    assert.equal((await signIn("not the password at all")).status, 403);
    await doors.getByRole("table").getByText("Person 0").or(doors.locator('[data-slot="new-rows"]')).first().waitFor({ timeout: 90_000 });
    await shows(doors, ["Person 0"]);
    await doors.close();
  });

  await t.test("the member's network is cut; what was published meanwhile is there once when it is back", async () => {
    member.line.cut();
    await away(member.page);
    for (const n of [2, 3, 4, 5, 6]) await publish(`Update ${n}`);
    const row = staff.page.getByRole("row").filter({ hasText: "person0@example.org" });
    await row.locator('[data-online="false"]').first().waitFor();
    member.line.mend();
    await live(member.page);
    await shows(member.page, [1, 2, 3, 4, 5, 6].map((n) => `Update ${n}`));
    await row.locator('[data-online="true"]').first().waitFor();
  });

  await t.test("the staff's network is cut; who came and went meanwhile is there once when it is back", async () => {
    staff.line.cut();
    await away(staff.page);
    for (const n of [2, 3, 4]) await register(n);
    staff.line.mend();
    await live(staff.page);
    await shows(staff.page, [0, 1, 2, 3, 4].map((n) => `person${n}@example.org`));
  });

  await t.test("the server is killed and starts again; both go on", async () => {
    await portico.kill();
    await Promise.all([away(staff.page), away(member.page)]);
    await portico.again();
    await register(5);
    await Promise.all([live(staff.page), live(member.page)]);
    await publish("Update 7");
    await shows(member.page, [1, 2, 3, 4, 5, 6, 7].map((n) => `Update ${n}`));
    await shows(staff.page, [0, 1, 2, 3, 4, 5].map((n) => `person${n}@example.org`));
    // Neither page was loaded anew on the way.
    assert.deepEqual([await marked(staff.page), await marked(member.page)], [true, true]);
  });
});

/** Until it is something. */
async function waitFor(look) {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error("in vain");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

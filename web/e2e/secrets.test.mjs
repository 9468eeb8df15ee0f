/** A run through every door, and then a look for each secret it used: in the server's log at its most talkative, and in a dump of its database. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { start } from "./portico.mjs";
import { relay } from "./relay.mjs";
import { dump, Secrets } from "./secrets.mjs";

const secrets = new Secrets();
let mail;
let portico;
before(async () => {
  mail = await relay(secrets.add("the relay's password", "heron/wades:at@dawn-4471"));
  const env = { PORTICO_LOG__FILTER: "trace", PORTICO_MAIL__TRANSPORT: "smtp", PORTICO_MAIL__SMTP_URL: mail.url };
  portico = await start({ env });
});
after(async () => {
  await portico?.stop();
  await mail?.close();
});

/** Somebody at a browser, whose every cookie is a secret. */
class Visitor {
  constructor(name) {
    this.name = name;
    this.jar = new Map();
  }

  async ask(method, url, body, headers = {}) {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(portico.base + url, {
      method,
      redirect: "manual",
      headers: { ...(cookie && { cookie }), ...(body && { "content-type": "application/json" }), ...headers },
      body: body && JSON.stringify(body),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value === "") this.jar.delete(name);
      else this.jar.set(name, secrets.add(`${this.name}'s cookie ${name}`, value));
    }
    const text = await answer.text();
    return { status: answer.status, body: text.startsWith("{") ? JSON.parse(text) : text };
  }

  async done(status, method, url, body, headers) {
    const answer = await this.ask(method, `/api/v1${url}`, body, headers);
    assert.equal(answer.status, status, `${method} ${url}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
}

const PASSWORDS = { first: "four-quiet-arches-8802", second: "a lantern on the old jetty 51", third: "seven herons over the harbour 7", owner: "nine grey boats at anchor 33" };
for (const [which, value] of Object.entries(PASSWORDS)) secrets.add(`the password ${which}`, value);

async function tokenTo(address, page) {
  const text = await mail.mailTo(address, new RegExp(`${page}#`));
  return secrets.add(`the token of ${page} to ${address}`, new RegExp(`${page}#([\\w.~-]+)`).exec(text)[1]);
}

/** What an authenticator app shows (RFC 6238), `ahead` steps from now. */
function codeOf(secret, ahead = 0) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  secrets.add("the key of the app, in hex", key.toString("hex"));
  secrets.add("the key of the app, in base64", key.toString("base64"));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const mac = createHmac("sha1", key).update(counter).digest();
  const offset = mac[19] & 15;
  return secrets.add("a code of the app", String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0"));
}

const owner = new Visitor("the owner");
const ada = new Visitor("ada");
const EMAIL = "ada@example.org";

test("a member comes in and makes the account safe", { timeout: 240_000 }, async () => {
  const setup = secrets.add("the set-up token", portico.setupLink.split("#")[1]);
  await owner.done(201, "POST", "/setup", { token: setup, email: "owner@example.org", password: PASSWORDS.owner, name: "Owner" });
  await ada.done(202, "POST", "/accounts", { email: EMAIL, password: PASSWORDS.first, name: "Ada" });
  const token = await tokenTo(EMAIL, "/verify");
  await ada.done(200, "POST", "/accounts/verification", { token });
  await new Visitor("another browser").done(200, "PUT", "/accounts/verification", { token });
  await ada.done(201, "POST", "/sessions", { email: EMAIL, password: PASSWORDS.first });
  // A password in the wrong place is still one.
  await new Visitor("a hurried one").ask("POST", "/api/v1/sessions", { email: secrets.add("a wrong password", "wrong-but-mine-6613"), password: "wrong-but-mine-6613" });
  await new Visitor("a hurried one").ask("POST", "/api/v1/sessions", { email: EMAIL, password: "wrong-but-mine-6613", passwort: "wrong-but-mine-6613" });
  await ada.done(204, "PUT", "/me/password", { current_password: PASSWORDS.first, password: PASSWORDS.second });
  const app = await ada.done(201, "POST", "/me/totp", {});
  secrets.add("the secret of the app", app.secret);
  const { recovery_codes: codes } = await ada.done(200, "PUT", "/me/totp", { code: codeOf(app.secret) });
  for (const code of codes) secrets.add("a recovery code", code);

  const phone = new Visitor("ada's phone");
  await phone.ask("POST", "/api/v1/sessions", { email: EMAIL, password: PASSWORDS.second });
  await phone.done(201, "POST", "/sessions/second-factor", { factor: "totp", code: codeOf(app.secret, 1), remember: true });
  const desk = new Visitor("ada's desk");
  await desk.ask("POST", "/api/v1/sessions", { email: EMAIL, password: PASSWORDS.second });
  await desk.done(201, "POST", "/sessions/second-factor", { factor: "recovery_code", code: codes[0] });

  const tablet = new Visitor("ada's tablet");
  await tablet.done(202, "POST", "/sign-in-mails", { email: EMAIL });
  const text = await mail.mailTo(EMAIL, /is your code/);
  const code = secrets.add("the mailed code", /(\d{6}) is your code/.exec(text)[1]);
  secrets.add("the token of a mailed sign-in", /\/sign-in\/link#([\w.~-]+)/.exec(text)[1]);
  await tablet.ask("POST", "/api/v1/sessions/code", { code });
  await tablet.done(201, "POST", "/sessions/second-factor", { factor: "recovery_code", code: codes[1] });

  await new Visitor("whoever forgot").done(202, "POST", "/password-resets", { email: EMAIL });
  const reset = await tokenTo(EMAIL, "/reset");
  await new Visitor("whoever forgot").ask("PUT", "/api/v1/password-resets/link", { token: reset, password: PASSWORDS.third });
  await ada.ask("POST", "/api/v1/sessions", { email: EMAIL, password: PASSWORDS.third });
  await ada.done(201, "POST", "/sessions/second-factor", { factor: "recovery_code", code: codes[2] });
  await ada.done(202, "POST", "/me/email-change", { email: "ada@example.net" });
  await tokenTo(EMAIL, "/email-change");
  await tokenTo("ada@example.net", "/email-change");
});

test("staff make keys and invite, and pages are looked at", { timeout: 120_000 }, async () => {
  const key = await owner.done(201, "POST", "/api-keys", { name: "Nightly", permissions: ["users.read"], days: 30 });
  secrets.add("an API key", key.secret);
  await new Visitor("a machine").done(200, "GET", "/users", undefined, { authorization: `Bearer ${key.secret}` });
  await owner.done(201, "POST", "/invitations", { email: "kim@example.org", roles: ["member"] });
  const invitation = await tokenTo("kim@example.org", "/invite");
  await new Visitor("kim").ask("PUT", "/api/v1/invitations/acceptance", { token: invitation, password: PASSWORDS.third, name: "Kim" });
  for (const page of ["/home", "/security", "/profile"]) assert.equal((await ada.ask("GET", page)).status, 200, page);
  for (const page of ["/admin", "/admin/users", "/admin/security"]) assert.equal((await owner.ask("GET", page)).status, 200, page);

  // The SDKs' way in, with the project's keys.
  const shown = execFileSync(`/proc/${portico.pid}/exe`, ["stack-auth", "show"], { env: portico.env, encoding: "utf8" });
  const setting = (name) => new RegExp(`${name}=(\\S+)`).exec(shown)[1];
  const server = secrets.add("the project's secret key", setting("STACK_SECRET_SERVER_KEY"));
  const headers = {
    "x-stack-access-type": "server",
    "x-stack-project-id": setting("STACK_PROJECT_ID"),
    "x-stack-secret-server-key": server,
    "x-stack-publishable-client-key": setting("PUBLISHABLE_CLIENT_KEY"),
  };
  const app = new Visitor("an app");
  const entered = await app.ask("POST", "/stack/api/v1/auth/password/sign-in", { email: "owner@example.org", password: PASSWORDS.owner }, headers);
  assert.equal(entered.status, 200, JSON.stringify(entered.body));
  for (const token of ["access_token", "refresh_token"]) secrets.add(`the SDK's ${token}`, entered.body[token]);
  // In a member's place, whose cookie means nothing to the SDKs.
  const { id } = await ada.done(200, "GET", "/me");
  await owner.done(201, "POST", `/users/${id}/impersonation`, { reason: "To change a name for them", mode: "write" });
  secrets.add("the token of the owner in ada's place", owner.jar.get("portico_acting").split(".")[1]);
  assert.equal((await owner.done(200, "GET", "/me")).id, id);
  await owner.done(200, "PATCH", "/me", { display_name: "Ada L." });
  const own = await owner.ask("GET", "/stack/api/v1/users/me", undefined, { ...headers, "x-stack-access-type": "client", "x-stack-access-token": entered.body.access_token });
  assert.equal(own.body.primary_email, "owner@example.org", JSON.stringify(own.body));
  await owner.done(204, "DELETE", "/me/impersonation");
  const people = await app.ask("GET", "/stack/api/v1/users", undefined, headers);
  assert.equal(people.status, 200, JSON.stringify(people.body));
});

test("neither the log nor the database holds any of it", { timeout: 120_000 }, async () => {
  assert.ok(mail.logins.some((login) => login.includes("heron/wades:at@dawn-4471")), "the relay was given its password");
  for (const line of readFileSync(path.join(portico.data, "vault.keys"), "utf8").split("\n")) {
    for (const [word] of line.startsWith("#") ? [] : line.matchAll(/[\w-]{40,}/g)) secrets.add("a key of the vault", word);
  }
  // Private keys before they are sealed: how every PKCS #8 key on P-256 begins.
  secrets.add("a private key in base64", "MIGHAgEAMBMGByqGSM49");
  secrets.add("a private key in hex", "308187020100301306072a8648ce3d0201");

  assert.ok(secrets.size > 50, `only ${secrets.size} secrets`);

  const sql = dump(portico.data);
  await portico.stop();
  const log = portico.log() + portico.said().replace(portico.setupLink, "");
  // They are the right ones, and talkative.
  assert.match(sql, /COPY identity\.users[^]*ada@example\.org/);
  assert.match(log, /TRACE/);
  assert.match(log, /\/api\/v1\/me\/totp/);
  assert.deepEqual({ database: secrets.foundIn(sql), log: secrets.foundIn(log) }, { database: [], log: [] });
});

/** The protocol file's checklist, driven by @supabase/realtime-js and PyPI realtime, both as they are published. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { RealtimeClient } from "@supabase/realtime-js";
import { cookies, database, server } from "./server.mjs";

const WAIT = 60_000;
const here = import.meta.dirname;
mkdirSync(path.join(here, "out"), { recursive: true });

let passed = 0;
let failed = 0;
async function check(name, act) {
  try {
    await act();
    passed += 1;
    console.log(`  ok  ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n      ${String(error?.stack ?? error).replaceAll("\n", "\n      ")}`);
  }
}

/** What a callback is called with, one after the other. */
function inbox(what) {
  const waiting = [];
  const arrived = [];
  const put = (item) => (waiting.length ? waiting.shift()(item) : arrived.push(item));
  const next = () =>
    arrived.length
      ? Promise.resolve(arrived.shift())
      : new Promise((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error(`no ${what} in time`)), WAIT);
          waiting.push((item) => (clearTimeout(timer), resolve(item)));
        });
  const until = async (holds) => {
    for (;;) {
      const item = await next();
      if (holds(item)) return item;
    }
  };
  return { put, next, until, rest: () => arrived.splice(0) };
}

const db = database();
const clients = [];
const one = await server(db, 1, {
  PORTICO_REALTIME__LIMITS__IDLE_SECONDS: "8",
  PORTICO_IDENTITY__ACCESS_MINUTES: "1",
});
const two = await server(db, 2);

/** A client as an application makes it. */
function client(base, token, options = {}) {
  const made = new RealtimeClient(base, { params: { apikey: "contract" }, heartbeatIntervalMs: 2_000, ...options });
  if (token) made.setAuth(token);
  clients.push(made);
  return made;
}

/** Subscribes; what the channel becomes is put into its inbox. */
async function joined(channel) {
  const states = inbox(`state of ${channel.topic}`);
  channel.subscribe((state, error) => states.put({ state, error }));
  const first = await states.next();
  assert.equal(first.state, "SUBSCRIBED", String(first.error));
  return states;
}

let owner;
let refresh;
let token;
async function renew() {
  const answer = await fetch(`${one.base}/api/v1/me`, { headers: { cookie: `portico_refresh=${refresh}` } });
  const fresh = cookies(answer);
  assert.ok(answer.ok && fresh.portico_access, `the session cannot be renewed: ${answer.status} ${await answer.text()}`);
  if (fresh.portico_refresh) refresh = fresh.portico_refresh;
  token = fresh.portico_access;
}

async function prepare() {
  await one.start();
  const body = { token: one.setupLink(), email: "ada@example.org", name: "Ada", password: "four quiet arches by the sea" };
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${one.base}/api/v1/setup`, { method: "POST", headers, body: JSON.stringify(body) });
  assert.equal(answer.status, 201, await answer.clone().text());
  ({ portico_access: token, portico_refresh: refresh } = cookies(answer));
  const me = await (await fetch(`${one.base}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } })).json();
  owner = me.id;
  // A second start before the set-up would print a link of its own, and the first would be stale.
  one.shareKeys(two);
  await two.start();
}

/** Adds a person. */
const person = (n, name) =>
  `insert into identity.users (id, email, email_key, name) values ('00000000-0000-7000-8000-00000000000${n}', '${n}@example.org', '${n}@example.org', '${name}')`;

let expiring;

async function connections() {
  for (const [what, at, options] of [
    ["/realtime/v1/websocket, vsn 2.0.0", "/realtime/v1", {}],
    ["/socket/websocket, vsn 2.0.0", "/socket", {}],
    ["/realtime/v1/websocket, vsn 1.0.0", "/realtime/v1", { vsn: "1.0.0" }],
  ])
    await check(`${what}: join, heartbeat, broadcast with self and ack, leave`, async () => {
      const beats = inbox("heartbeat");
      const socket = client(one.ws + at, token, { ...options, heartbeatCallback: (status) => beats.put(status) });
      const heard = inbox("broadcast");
      const channel = socket.channel("hall", { config: { broadcast: { self: true, ack: true } } });
      channel.on("broadcast", { event: "hello" }, (said) => heard.put(said));
      const states = await joined(channel);
      assert.equal(await channel.send({ type: "broadcast", event: "hello", payload: { text: "é" } }), "ok");
      assert.deepEqual((await heard.next()).payload, { text: "é" });
      await beats.until((status) => status === "ok");
      assert.equal(await channel.unsubscribe(), "ok");
      assert.equal((await states.next()).state, "CLOSED");
      await socket.disconnect();
    });

  await check("bytes are broadcast as bytes (kinds 3 and 4)", async () => {
    const [speaker, listener] = [client(`${one.ws}/realtime/v1`, token), client(`${one.ws}/realtime/v1`, token)];
    const heard = inbox("broadcast");
    const there = listener.channel("bytes").on("broadcast", { event: "*" }, (said) => heard.put(said));
    await joined(there);
    const here = speaker.channel("bytes", { config: { broadcast: { ack: true } } });
    await joined(here);
    const payload = Uint8Array.from({ length: 256 }, (_, index) => index).buffer;
    assert.equal(await here.send({ type: "broadcast", event: "raw", payload }), "ok");
    const said = await heard.next();
    assert.deepEqual(new Uint8Array(said.payload), new Uint8Array(payload));
  });

  await check("a sender does not hear itself unless it wants to", async () => {
    const socket = client(`${one.ws}/realtime/v1`, token);
    const heard = inbox("broadcast");
    const channel = socket.channel("quiet", { config: { broadcast: { ack: true } } });
    channel.on("broadcast", { event: "*" }, (said) => heard.put(said));
    await joined(channel);
    assert.equal(await channel.send({ type: "broadcast", event: "e", payload: {} }), "ok");
    assert.deepEqual(heard.rest(), []);
  });

  await check("a stranger's join is refused with a code", async () => {
    const [header, claims, signature] = token.split(".");
    const forged = [header, claims, [...signature].reverse().join("")].join(".");
    for (const [given, code] of [
      [null, "Unauthorized"],
      ["nonsense", "MalformedJWT"],
      ["a.b.c", "MalformedJWT"],
      [forged, "JwtSignatureError"],
    ]) {
      const socket = client(`${one.ws}/realtime/v1`, given);
      const states = inbox("state");
      socket.channel("hall").subscribe((state, error) => states.put({ state, error }));
      const { state, error } = await states.next();
      assert.equal(state, "CHANNEL_ERROR");
      assert.match(error.message, new RegExp(code));
      await socket.removeAllChannels();
    }
  });
}

async function changes() {
  await check("changes: bindings are echoed, filters and select are heeded, wait is answered", async () => {
    const socket = client(`${one.ws}/realtime/v1`, token);
    const all = inbox("change");
    const some = inbox("filtered change");
    const names = inbox("selected change");
    const system = inbox("system message");
    const channel = socket.channel("changes", { config: { postgres_changes_options: { wait: true } } });
    const table = { schema: "identity", table: "users" };
    channel
      .on("postgres_changes", { event: "*", ...table }, (change) => all.put(change))
      .on("postgres_changes", { event: "UPDATE", ...table, filter: 'name=eq."Cleo, the 2nd"' }, (change) => some.put(change))
      .on("postgres_changes", { event: "INSERT", ...table, filter: "name=not.in.(Bob,Dan)", select: ["name"] }, (change) => names.put(change))
      .on("system", {}, (said) => system.put(said));
    await joined(channel);
    const told = await system.until((said) => said.extension === "postgres_changes");
    assert.equal(told.status, "ok");
    db.sql(person(1, "Bob"));
    db.sql(person(2, "Cleo"));
    db.sql("update identity.users set name = 'Cleo, the 2nd' where email_key = '2@example.org'");
    db.sql("delete from identity.users where email_key = '1@example.org'");
    const inserted = await all.next();
    assert.equal(inserted.eventType, "INSERT");
    assert.equal(inserted.new.name, "Bob");
    assert.match(inserted.new.created_at, /^\d{4}-\d\d-\d\dT[\d:.]+\+00:00$/);
    assert.match(inserted.commit_timestamp, /Z$/);
    assert.equal((await all.next()).new.name, "Cleo");
    const updated = await all.next();
    assert.equal(updated.eventType, "UPDATE");
    assert.equal(updated.old.name, "Cleo");
    const deleted = await all.next();
    assert.equal(deleted.eventType, "DELETE");
    assert.equal(deleted.old.name, "Bob");
    assert.equal((await some.next()).new.name, "Cleo, the 2nd");
    const selected = await names.next();
    assert.deepEqual(Object.keys(selected.new).sort(), ["id", "name"]);
    assert.equal(selected.new.name, "Cleo");
    assert.deepEqual([some.rest(), names.rest()], [[], []]);
    await socket.removeAllChannels();
  });

  await check("a table that is not published is refused where the client waits, and told where it does not", async () => {
    const socket = client(`${one.ws}/realtime/v1`, token);
    const binding = { event: "*", schema: "identity", table: "passwords" };
    const states = inbox("state");
    const wait = socket.channel("a", { config: { postgres_changes_options: { wait: true } } });
    wait.on("postgres_changes", binding, () => {}).subscribe((state, error) => states.put({ state, error }));
    const { state, error } = await states.next();
    assert.equal(state, "CHANNEL_ERROR");
    assert.match(error.message, /RealtimeDisabledForConfiguration/);
    const system = inbox("system message");
    const plain = socket.channel("b").on("postgres_changes", binding, () => {});
    plain.on("system", {}, (said) => system.put(said));
    await joined(plain);
    const told = await system.next();
    assert.equal(told.status, "error");
    assert.match(told.message, /identity\.passwords/);
    await socket.removeAllChannels();
  });
}

async function channels() {
  const privately = (more = {}) => ({ config: { private: true, broadcast: { ack: true, ...more } } });

  await check("a private channel is its owner's, and nobody else's", async () => {
    const socket = client(`${one.ws}/realtime/v1`, token);
    await joined(socket.channel(`user:${owner}:notes`, privately()));
    const states = inbox("state");
    socket.channel("user:00000000-0000-7000-8000-000000000002", privately()).subscribe((state, error) => states.put({ state, error }));
    const { state, error } = await states.next();
    assert.equal(state, "CHANNEL_ERROR");
    assert.match(error.message, /Unauthorized: You do not have permissions/);
    await socket.removeAllChannels();
  });

  await check("kept messages are replayed, and none twice", async () => {
    const since = Date.now() - 60_000;
    const topic = `user:${owner}:diary`;
    const speaker = client(`${one.ws}/realtime/v1`, token);
    const here = speaker.channel(topic, privately());
    await joined(here);
    assert.equal(await here.send({ type: "broadcast", event: "note", payload: { n: 1 }, persist: true }), "ok");
    assert.equal(await here.send({ type: "broadcast", event: "note", payload: { n: 2 } }), "ok");
    assert.deepEqual(await here.httpSend("note", { n: 3 }, { persist: { ttl: 600 } }), { success: true });
    const heard = inbox("note");
    const late = client(`${one.ws}/realtime/v1`, token).channel(topic, privately({ replay: { since, limit: 10 } }));
    late.on("broadcast", { event: "note" }, (said) => heard.put(said));
    await joined(late);
    for (const n of [1, 3]) {
      const said = await heard.next();
      assert.equal(said.payload.n, n);
      assert.equal(said.meta.replayed, true);
      assert.match(said.meta.id, /^[0-9a-f-]{36}$/);
    }
    assert.equal(await here.send({ type: "broadcast", event: "note", payload: { n: 4 }, persist: true }), "ok");
    const live = await heard.next();
    assert.equal(live.payload.n, 4);
    assert.equal(live.meta.replayed, undefined);
  });

  await check("httpSend, text and bytes, on both paths; refusals say why", async () => {
    for (const at of ["/realtime/v1", "/socket"]) {
      const socket = client(one.ws + at, token);
      const heard = inbox("broadcast");
      const channel = socket.channel("posted").on("broadcast", { event: "*" }, (said) => heard.put(said));
      await joined(channel);
      assert.deepEqual(await channel.httpSend("a b", { text: "über" }), { success: true });
      const said = await heard.next();
      assert.deepEqual([said.event, said.payload], ["a b", { text: "über" }]);
      assert.deepEqual(await channel.httpSend("raw", new Uint8Array([1, 2, 3])), { success: true });
      assert.deepEqual(new Uint8Array((await heard.next()).payload), new Uint8Array([1, 2, 3]));
      // Not joined, so it falls back to the endpoint for many.
      const other = client(one.ws + at, token, { logger: () => {} }).channel("posted");
      assert.equal(await other.send({ type: "broadcast", event: "fallback", payload: { n: 1 } }), "ok");
      assert.equal((await heard.next()).event, "fallback");
    }
    const stranger = client(`${one.ws}/realtime/v1`).channel("posted");
    await assert.rejects(stranger.httpSend("e", {}), /sign/i);
    const foreign = client(`${one.ws}/realtime/v1`, token).channel("staff", { config: { private: true } });
    await assert.rejects(foreign.httpSend("e", {}), /may not broadcast/);
  });

  await check("presence: state, joins, updates and leaves", async () => {
    const [ada, bob] = [client(`${one.ws}/realtime/v1`, token), client(`${one.ws}/realtime/v1`, token)];
    const config = (key) => ({ config: { presence: { key, enabled: true } } });
    const events = inbox("presence");
    const here = ada.channel("desk", config("ada"));
    here.on("presence", { event: "sync" }, () => events.put({ sync: structuredClone(here.presenceState()) }));
    here.on("presence", { event: "join" }, ({ key, newPresences }) => events.put({ join: key, n: newPresences[0].n }));
    here.on("presence", { event: "leave" }, ({ key }) => events.put({ leave: key }));
    await joined(here);
    assert.equal(await here.track({ n: 1 }), "ok");
    await events.until((event) => event.join === "ada");
    const there = bob.channel("desk", config("bob"));
    const first = inbox("state");
    there.on("presence", { event: "sync" }, () => first.put(structuredClone(there.presenceState())));
    await joined(there);
    await first.until((state) => state.ada?.[0].n === 1 && typeof state.ada[0].presence_ref === "string");
    assert.equal(await there.track({ n: 2 }), "ok");
    await events.until((event) => event.join === "bob" && event.n === 2);
    assert.equal(await there.track({ n: 3 }), "ok");
    await events.until((event) => event.sync?.bob?.[0].n === 3);
    assert.equal(await there.untrack(), "ok");
    await events.until((event) => event.leave === "bob");
    assert.equal(await there.track({ n: 4 }), "ok");
    await events.until((event) => event.join === "bob" && event.n === 4);
    await bob.disconnect();
    await events.until((event) => event.leave === "bob");
  });
}

async function together() {
  await check("two servers are one: broadcast and presence cross over", async () => {
    const [here, there] = [client(`${one.ws}/realtime/v1`, token), client(`${two.ws}/realtime/v1`, token)];
    const config = (key) => ({ config: { broadcast: { ack: true }, presence: { key, enabled: true } } });
    const heard = inbox("broadcast");
    const near = here.channel("both", config("near"));
    const states = inbox("presence");
    near.on("broadcast", { event: "*" }, (said) => heard.put(said));
    near.on("presence", { event: "sync" }, () => states.put(structuredClone(near.presenceState())));
    await joined(near);
    const far = there.channel("both", config("far"));
    await joined(far);
    assert.equal(await far.track({ n: 1 }), "ok");
    await states.until((state) => state.far?.[0].n === 1);
    const text = "x".repeat(150_000);
    assert.equal(await far.send({ type: "broadcast", event: "big", payload: { text } }), "ok");
    assert.equal((await heard.next()).payload.text, text);

    // A server that is killed takes its presences with it; its clients come back on their own.
    await two.kill();
    await states.until((state) => !state.far);
    await two.start();
    await renew();
    await Promise.all([here.setAuth(token), there.setAuth(token)]);
    heard.rest();
    for (;;) {
      const sent = await far.send({ type: "broadcast", event: "again", payload: {} }).catch(() => "error");
      if (sent === "ok") break;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    assert.equal((await heard.next()).event, "again");
    await there.disconnect();
  });

  await check("who is online is known of all servers, and a dead one's people are not", async () => {
    const online = (value) => db.sql(`select coalesce(bool_or(online), false) = ${value} from identity.presence where user_id = '${owner}'`);
    const until = async (value) => {
      const deadline = Date.now() + WAIT;
      while (online(value) !== "t") {
        assert.ok(Date.now() < deadline, `online is not ${value} in time`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    };
    for (const socket of clients.splice(0)) if (socket !== expiring.socket) await socket.disconnect();
    await expiring.socket.disconnect();
    await until(false);
    // Tokens last a minute here, which starting a server on a busy machine may take.
    await renew();
    const there = client(`${two.ws}/realtime/v1`, token);
    await joined(there.channel("hall"));
    await until(true);
    await two.kill();
    await until(false);
    await there.disconnect();
  });
}

async function ends() {
  await check("a restart (1012) and a silence (1000) are survived: the client reconnects and joins again", async () => {
    const closes = inbox("close");
    const socket = client(`${one.ws}/realtime/v1`, token);
    const heard = inbox("broadcast");
    const channel = socket.channel("hall", { config: { broadcast: { self: true } } });
    channel.on("broadcast", { event: "*" }, (said) => heard.put(said));
    const states = await joined(channel);
    socket.socketAdapter.onClose((event) => closes.put(event));
    await one.stop();
    assert.equal((await closes.next()).code, 1012);
    await one.start();
    await states.until(({ state }) => state === "SUBSCRIBED");
    await channel.send({ type: "broadcast", event: "back", payload: {} });
    assert.equal((await heard.next()).event, "back");

    const silent = client(`${one.ws}/realtime/v1`, token, { heartbeatIntervalMs: 25_000 });
    const silence = inbox("close");
    const after = await joined(silent.channel("hall"));
    silent.socketAdapter.onClose((event) => silence.put(event));
    assert.equal((await silence.next()).code, 1000);
    await after.until(({ state }) => state === "SUBSCRIBED");
  });
}

/** A channel whose token is over in a minute; judged at the end, after everything else. */
async function beginExpiring() {
  await renew();
  // What it had at the beginning, until it is told that this is over.
  const old = token;
  let renewed = false;
  const socket = client(`${one.ws}/realtime/v1`, undefined, { accessToken: async () => (renewed ? token : old) });
  const system = inbox("system message");
  const channel = socket.channel("hall").on("system", {}, (said) => system.put(said));
  await socket.setAuth();
  const states = await joined(channel);
  return { socket, system, states, renew: () => (renewed = true) };
}

async function expiry() {
  await check("a token that is over ends the channel with phx_error; with the new one the client joins again", async () => {
    const told = await expiring.system.until((said) => said.extension === "system");
    assert.deepEqual([told.status, told.message], ["error", "Token has expired"]);
    await renew();
    expiring.renew();
    await expiring.socket.setAuth();
    await expiring.states.until(({ state }) => state === "CHANNEL_ERROR");
    await expiring.states.until(({ state }) => state === "SUBSCRIBED");
  });
  await check("a token renewed in time is taken without a word", async () => {
    const socket = client(`${one.ws}/realtime/v1`, token);
    const channel = socket.channel("hall", { config: { broadcast: { ack: true } } });
    const states = await joined(channel);
    await renew();
    await socket.setAuth(token);
    assert.equal(await channel.send({ type: "broadcast", event: "e", payload: {} }), "ok");
    assert.deepEqual(states.rest(), []);
  });
}

function python() {
  return new Promise((resolve) => {
    const env = { ...process.env, BASE: one.base, TOKEN: token, OWNER: owner, DATABASE: db.url };
    const child = spawn(path.join(here, ".venv/bin/python"), ["check.py"], { cwd: here, env, stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    child.stdout.on("data", (chunk) => (process.stdout.write(chunk), (said += chunk)));
    child.once("exit", (code) => {
      const count = (mark) => said.split("\n").filter((line) => line.startsWith(mark)).length;
      passed += count("  ok ");
      failed += count("FAIL ") + (code === 0 ? 0 : 1);
      resolve();
    });
  });
}

try {
  await prepare();
  console.log("· @supabase/realtime-js 2.119.1");
  expiring = await beginExpiring();
  await connections();
  await changes();
  await channels();
  await renew();
  console.log("· PyPI realtime 2.34.1");
  await python();
  console.log("· @supabase/realtime-js 2.119.1, later");
  await expiry();
  await renew();
  await ends();
  await renew();
  await together();
} catch (error) {
  failed += 1;
  console.log(`FAIL  the contract itself\n${error.stack}`);
} finally {
  for (const socket of clients) await socket.disconnect().catch(() => {});
  await Promise.allSettled([one.stop(), two.stop()]);
  one.clean();
  two.clean();
  db.drop();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);

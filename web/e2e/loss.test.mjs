/**
 * Nothing is lost and nothing comes twice, whatever breaks: the server as it is run, its own PostgreSQL, and the official client,
 * unmodified, with the six lines by which it goes on from a cursor.
 *
 * While a writer commits numbered rows, the server is killed with SIGKILL and started again, PostgreSQL is stopped and comes back,
 * both are killed at once, and the network is cut. In the end each client has every row of its own, once, and no other.
 * `PORTICO_TEST_LOSS_ROUNDS` makes it longer. What breaks between server and database is tried in crates/realtime/tests/it/loss.rs.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { RealtimeClient } from "@supabase/realtime-js";
import WebSocket from "ws";
import { wire } from "./cable.mjs";
import { start } from "./portico.mjs";

const ROUNDS = Number(process.env.PORTICO_TEST_LOSS_ROUNDS ?? 1);
/** Rows that are written between two breaks. */
const CALM = 60;
const PATIENCE = 120_000;
let portico;
let line;
let writer;
let listeners = [];
before(async () => {
  portico = await start({ env: { PORTICO_FRONT__DIR: "/nonexistent", PORTICO_IDENTITY__ACCESS_MINUTES: "120" }, front: false });
  line = await wire(new URL(portico.base).port);
});
after(async () => {
  await writer?.stop();
  await Promise.all(listeners.map((one) => one.close()));
  await line?.close();
  const ended = await portico?.stop();
  assert.equal(ended?.code, 0, ended?.log);
});

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function until(holds, what) {
  const deadline = Date.now() + PATIENCE;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`in vain: ${what()}`);
    await pause(50);
  }
}

/** The number of a row is the end of its id. */
const idOf = (n) => `00000000-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
const numberOf = (id) => Number.parseInt(id.slice(-12), 16);

const pidfile = () => path.join(portico.data, "postgres", "data", "postmaster.pid");
const postmaster = () => Number(readFileSync(pidfile(), "utf8").split("\n")[0]);

/** Writes numbered rows until told to stop. A row whose commit was not answered is written again under its number. */
class Writer {
  committed = 0;
  #stopped = false;
  #done;

  constructor(member) {
    this.#done = this.#run(member);
  }

  async stop() {
    this.#stopped = true;
    await this.#done;
  }

  async #run(member) {
    while (!this.#stopped) {
      await this.#session(member).catch(() => {});
      await pause(50);
    }
  }

  /** One psql, for as long as its database lives. */
  async #session(member) {
    if (!existsSync(pidfile())) return;
    const socket = readFileSync(pidfile(), "utf8").split("\n")[4];
    const psql = spawn("psql", ["--host", socket, "--username", "postgres", "--dbname", "portico", "-qAtX", "-v", "ON_ERROR_STOP=1"], { cwd: "/", stdio: ["pipe", "pipe", "ignore"] });
    psql.stdin.on("error", () => {});
    const gone = new Promise((_, reject) => psql.once("exit", () => reject(new Error("gone"))));
    gone.catch(() => {});
    let answered;
    psql.stdout.on("data", () => answered?.());
    while (!this.#stopped) {
      const [n, id] = [this.committed, idOf(this.committed)];
      const answer = new Promise((resolve) => (answered = resolve));
      // One transaction: a person, whom staff see, and an update of the member's.
      psql.stdin.write(
        `begin;
         insert into identity.users (id, email, email_key, name) values ('${id}', '${n}@example.org', '${n}@example.org', '${n % 3 ? "Other" : "Third"}') on conflict do nothing;
         insert into updates.updates (id, author_id, title, body, audience) values ('${id}', '${member}', 'Update ${n}', 'x', '{"kind": "everyone"}') on conflict do nothing;
         insert into updates.recipients (update_id, user_id, published_at) values ('${id}', '${member}', now()), ('${id}', '${idOf(n)}', now()) on conflict do nothing;
         commit;
         select 1;\n`.replace(/\n\s*/g, " ").concat("\n"),
      );
      await Promise.race([answer, gone]);
      this.committed += 1;
    }
    psql.stdin.end();
    await gone.catch(() => {});
  }
}

/** Somebody who listens, and what they have been told. */
class Listener {
  have = new Set();
  doubled = [];
  repeated = 0;
  strange = [];
  gaps = 0;
  joins = 0;
  /** Before it is told where it stands, whoever loses the connection has to read again, which these do not. */
  knowsWhere = false;
  #here = new Set();
  #client;

  constructor({ name, port, token, binding, key, isMine }) {
    this.name = name;
    this.isMine = isMine;
    this.#client = new RealtimeClient(`ws://127.0.0.1:${port}/realtime/v1`, {
      params: { apikey: "loss" },
      transport: WebSocket,
      reconnectAfterMs: () => 200,
      heartbeatIntervalMs: 3_000,
    });
    void this.#client.setAuth(token);
    const channel = this.#client.channel(name);
    channel.on("postgres_changes", { event: "INSERT", ...binding }, ({ new: row }) => this.#told(numberOf(row[key])));
    channel.on("system", {}, (said) => {
      if (said.extension !== "resume") return;
      if (said.status === "ok") {
        this.knowsWhere = true;
        channel.updateJoinPayload({ resume: { since: said.cursor } });
      } else this.gaps += 1;
    });
    channel.updateJoinPayload({ resume: {} });
    channel.subscribe((state) => {
      if (state !== "SUBSCRIBED") return;
      this.joins += 1;
      this.#here.clear();
    });
  }

  #told(n) {
    if (!this.isMine(n)) this.strange.push(n);
    // On one connection never; after a break the last second may be told again, and is known.
    if (this.#here.has(n)) this.doubled.push(n);
    else if (this.have.has(n)) this.repeated += 1;
    this.#here.add(n);
    this.have.add(n);
  }

  close() {
    return this.#client.disconnect();
  }
}

const breaks = {
  "the server is killed": async () => {
    await portico.kill();
    await portico.again();
  },
  "PostgreSQL is stopped, and comes back": async () => {
    process.kill(postmaster(), "SIGINT");
  },
  "the network is cut": async () => {
    line.cut();
    await pause(500);
    line.mend();
  },
  "server and PostgreSQL are killed at once": async () => {
    const database = postmaster();
    await portico.kill();
    process.kill(database, "SIGKILL");
    await portico.again();
  },
};

test("whatever breaks, every client has every row, and none twice", { timeout: 60_000 + ROUNDS * 300_000 }, async (t) => {
  const body = { token: /setup#(\S+)/.exec(portico.setupLink)[1], email: "ada@example.net", name: "Ada", password: "four quiet arches by the sea" };
  const answer = await fetch(`${portico.base}/api/v1/setup`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  assert.equal(answer.status, 201, await answer.clone().text());
  const token = answer.headers
    .getSetCookie()
    .map((cookie) => /^portico_access=([^;]*)/.exec(cookie)?.[1])
    .find(Boolean);
  const me = (await answer.json()).user.id;
  const people = { schema: "identity", table: "users" };
  const straight = new URL(portico.base).port;
  listeners = [
    { name: "everybody", port: line.port, binding: people, key: "id", isMine: () => true },
    { name: "everybody-straight", port: straight, binding: people, key: "id", isMine: () => true },
    { name: "thirds", port: line.port, binding: { ...people, filter: "name=eq.Third" }, key: "id", isMine: (n) => n % 3 === 0 },
    { name: "mine", port: line.port, binding: { schema: "updates", table: "recipients", filter: `user_id=eq.${me}` }, key: "update_id", isMine: () => true },
  ].map((one) => new Listener({ ...one, token }));
  await until(
    () => listeners.every((one) => one.knowsWhere),
    () => "cursors",
  );
  writer = new Writer(me);
  const more = async (rows) => {
    const from = writer.committed;
    await until(
      () => writer.committed >= from + rows,
      () => `${writer.committed - from} of ${rows} rows`,
    );
  };
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [what, happens] of Object.entries(breaks)) {
      await more(CALM);
      await happens();
      t.diagnostic(`${what}, after ${writer.committed} rows`);
    }
  await more(CALM);
  await writer.stop();
  const written = writer.committed;
  const missing = (one) => Array.from({ length: written }, (_, n) => n).filter((n) => one.isMine(n) && !one.have.has(n));
  await until(
    () => listeners.every((one) => missing(one).length === 0),
    () => listeners.map((one) => `${one.name} misses ${missing(one).slice(0, 10)}`).join("; "),
  );
  for (const one of listeners) t.diagnostic(`${one.name}: ${one.have.size} rows over ${one.joins} joins, ${one.repeated} known already`);
  for (const one of listeners) {
    assert.deepEqual({ doubled: one.doubled, strange: one.strange, gaps: one.gaps }, { doubled: [], strange: [], gaps: 0 }, one.name);
    assert.ok(one.joins > ROUNDS, `${one.name} was not tried`);
  }
});

/** Portico as the contract runs it: two servers on one database of its own, without the front end. */
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, cpSync, createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "../..");

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const admin = process.env.PORTICO_TEST_DATABASE_URL;
if (!admin) throw new Error('PORTICO_TEST_DATABASE_URL is not set: eval "$(script/db start)"');

/** A database of our own; `sql` runs statements in it. */
export function database() {
  const name = `contract_${process.pid}_${Date.now()}`;
  const psql = (url, sql) => execFileSync("psql", [url, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", sql], { encoding: "utf8" }).trim();
  psql(admin, `create database ${name}`);
  const url = new URL(admin.replace(/^postgres(ql)?:\/\/\//, "postgres://placeholder/"));
  url.pathname = `/${name}`;
  const own = url.href.replace("postgres://placeholder/", "postgres:///");
  return {
    name,
    url: own,
    sql: (sql) => psql(own, sql),
    drop() {
      psql(admin, `select pg_terminate_backend(active_pid, 10000) from pg_replication_slots where slot_name like '${name}%' and active`);
      psql(admin, `select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name like '${name}%'`);
      psql(admin, `drop database ${name} with (force)`);
    },
  };
}

/** A server; `start` may be called again after `stop` or `kill`, on the same port. */
export async function server(db, number, settings = {}) {
  const data = mkdtempSync(path.join(tmpdir(), "portico-contract-"));
  chmodSync(data, 0o711);
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    DATABASE_URL: db.url,
    PORTICO_DATA: data,
    PORTICO_LISTEN: `127.0.0.1:${port}`,
    // One place to its visitors, whichever server answers: tokens name it.
    PORTICO_PUBLIC_URL: "http://localhost/",
    PORTICO_FRONT__DIR: "/nonexistent",
    PORTICO_REALTIME__SLOT: `${db.name}_${number}`,
    PORTICO_REALTIME__BUS: "postgres",
    PORTICO_REALTIME__BEAT_SECONDS: "1",
    ...settings,
  };
  const log = createWriteStream(path.join(import.meta.dirname, "out", `server-${number}.log`), { flags: "a" });
  let child;
  let ended;
  let said = "";

  async function start() {
    said = "";
    child = spawn(path.join(root, "target/debug/portico"), ["serve"], { cwd: root, env });
    child.stdout.on("data", (chunk) => (said += chunk));
    child.stderr.pipe(log, { end: false });
    ended = new Promise((resolve) => child.once("exit", resolve));
    const deadline = Date.now() + 120_000;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`portico ended with ${child.exitCode}: ${said} (out/server-${number}.log)`);
      const answer = await fetch(`${base}/readyz`).catch(() => null);
      const { checks = [] } = (await answer?.json().catch(() => null)) ?? {};
      if (checks.length && checks.every((check) => check.ok || check.name === "front_end")) return;
      if (Date.now() > deadline) throw new Error(`portico is not ready: ${JSON.stringify(checks)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  async function end(signal) {
    if (child && child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
  }
  return {
    base,
    data,
    ws: base.replace("http", "ws"),
    start,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    setupLink: () => /http\S+\/setup#(\S+)/.exec(said)?.[1],
    /** The key file belongs to the database: a second server needs the first one's. */
    shareKeys: (other) => cpSync(path.join(data, "vault.keys"), path.join(other.data, "vault.keys")),
    clean: () => rmSync(data, { recursive: true, force: true }),
  };
}

/** Cookies of an answer, by name. */
export function cookies(answer) {
  return Object.fromEntries(answer.headers.getSetCookie().map((line) => line.split(";")[0].split(/=(.*)/s).slice(0, 2)));
}

/** Whatever is interrupted, and whenever: nothing that was started stays behind. What `script/run` ends with is `serve`. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { freePort } from "./portico.mjs";

const root = path.resolve(import.meta.dirname, "../..");
const binary = path.join(root, "target", process.env.PORTICO_PROFILE ?? "debug", "portico");
const PATIENCE = 60_000;
let data;
before(() => {
  data = mkdtempSync(path.join(tmpdir(), "portico-stop-"));
  // Started by root, PostgreSQL runs as a user of its own, who has to get through.
  chmodSync(data, 0o711);
});
const begun = [];
after(async () => {
  // A test that failed half-way leaves nothing behind either.
  for (const { child, ended } of begun.filter(({ child }) => child.exitCode === null && child.signalCode === null)) {
    child.kill("SIGINT");
    await ended;
  }
  rmSync(data, { recursive: true, force: true });
});

const maybe = (read) => {
  try {
    return read();
  } catch {
    return "";
  }
};

/** What was started with this server and still runs: the processes of its session, and whatever lives in its folder. */
function processes({ folder, child }) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => {
      const of = (file) => maybe(() => readFileSync(`/proc/${pid}/${file}`, "utf8"));
      const command = of("cmdline").replaceAll("\0", " ");
      // proc_pid_stat(5): behind the name, which may hold anything, the session is the fourth.
      const session = Number(of("stat").split(") ").at(-1).split(" ")[3]);
      return { command, session, about: [command, maybe(() => readlinkSync(`/proc/${pid}/cwd`))].join("\n") };
    })
    .filter(({ about, session }) => session === child.pid || about.includes(folder))
    .map(({ command }) => command);
}

/** Starts it as a terminal does: a session of its own, whose first process group is what Ctrl-C reaches. */
async function begin(folder, ...parameters) {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, PORTICO_DATA: folder, PORTICO_LISTEN: `127.0.0.1:${await freePort()}` };
  const child = spawn(binary, parameters, { cwd: root, env, detached: true });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (log += chunk));
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal)));
  const portico = { folder, child, ended, base: `http://${env.PORTICO_LISTEN}`, log: () => log, press: (signal = "SIGINT") => process.kill(-child.pid, signal) };
  begun.push(portico);
  return portico;
}

async function until(what, is, log) {
  for (const deadline = Date.now() + PATIENCE; !(await is()); ) {
    assert.ok(Date.now() < deadline, `${what}:\n${log()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const ready = ({ base, log }) => until("not ready", async () => (await fetch(`${base}/readyz`).catch(() => null))?.ok, log);

test("Ctrl-C ends the server, PostgreSQL and Next.js, pressed once or twice", { timeout: 240_000 }, async () => {
  const folder = path.join(data, "running");
  for (const [signal, times] of [["SIGINT", 1], ["SIGINT", 2], ["SIGTERM", 1]]) {
    const portico = await begin(folder, "serve", "--demo");
    await ready(portico);
    const running = processes(portico).join("\n");
    for (const part of ["portico serve", "postgres", "server.mjs"]) assert.ok(running.includes(part), `${part} is not among\n${running}`);
    for (let n = 0; n < times; n += 1) portico.press(signal);
    assert.equal(await portico.ended, 0, portico.log());
    assert.deepEqual(processes(portico), []);
  }
});

test("Ctrl-C during the first start leaves nothing running, and the next start works", { timeout: 240_000 }, async () => {
  const folder = path.join(data, "starting");
  const file = (name) => maybe(() => readFileSync(path.join(folder, "postgres", name), "utf8"));
  const moments = {
    "the cluster is being made": () => maybe(() => readdirSync(path.join(folder, "postgres"))).toString().includes("init."),
    "PostgreSQL is starting": () => file("data/postmaster.pid") !== "",
    "the schema is being written": () => file("data/postmaster.pid").includes("ready"),
  };
  for (const [moment, has] of Object.entries(moments)) {
    const portico = await begin(folder, "serve");
    await until(moment, has, portico.log);
    portico.press();
    assert.equal(await portico.ended, 0, `${moment}:\n${portico.log()}`);
    assert.deepEqual(processes(portico), [], moment);
  }
  const portico = await begin(folder, "serve");
  await ready(portico);
  portico.press();
  assert.equal(await portico.ended, 0, portico.log());
});

test("Ctrl-C during a command that started PostgreSQL for itself stops it again", { timeout: 120_000 }, async () => {
  const folder = path.join(data, "command");
  const portico = await begin(folder, "demo", "load");
  await until("PostgreSQL", () => maybe(() => readFileSync(path.join(folder, "postgres/data/postmaster.pid"), "utf8")).includes("ready"), portico.log);
  portico.press();
  assert.equal(await portico.ended, 1, portico.log());
  assert.deepEqual(processes(portico), []);
});

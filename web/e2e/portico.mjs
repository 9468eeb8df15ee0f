/** Starts a whole Portico for a test file: its own data folder, its own port, the demo tenant if wanted; stops it again. */
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "../..");

/** A port that nobody has now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Runs the built server until `stop()`, without its pages if `front` is false. `setupLink` is what it printed for the first owner. */
export async function start({ demo = false, profile = process.env.PORTICO_PROFILE ?? "debug", host = "127.0.0.1", port: wanted, env: more = {}, front = true } = {}) {
  const data = mkdtempSync(path.join(tmpdir(), "portico-e2e-"));
  // Started by root, PostgreSQL runs as a user of its own, who has to get through.
  chmodSync(data, 0o711);
  const port = wanted ?? (await freePort());
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, PORTICO_DATA: data, PORTICO_LISTEN: `127.0.0.1:${port}`, ...more };
  // Passkeys need an address with a name.
  if (host !== "127.0.0.1") env.PORTICO_PUBLIC_URL = `http://${host}:${port}/`;
  const base = `http://${host}:${port}`;
  let child;
  let ended;
  let said = "";
  let log = "";

  async function end(signal) {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return ended;
  }
  async function stop() {
    const code = await end("SIGINT");
    rmSync(data, { recursive: true, force: true });
    return { code, said, log };
  }
  async function run() {
    child = spawn(path.join(root, "target", profile, "portico"), ["serve", ...(demo ? ["--demo"] : [])], { cwd: root, env });
    child.stdout.on("data", (chunk) => (said += chunk));
    child.stderr.on("data", (chunk) => (log += chunk));
    ended = new Promise((resolve) => child.once("exit", resolve));
    const deadline = Date.now() + 60_000;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`portico ended with ${child.exitCode}:\n${said}\n${log}`);
      const answer = await fetch(`${base}/readyz`).catch(() => null);
      const { checks = [] } = (await answer?.json().catch(() => null)) ?? {};
      if (checks.length && checks.every((check) => check.ok || (!front && check.name === "front_end"))) return;
      if (Date.now() > deadline) {
        await stop();
        throw new Error(`portico is not ready:\n${said}\n${log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  await run();
  const setupLink = /http\S+\/setup#\S+/.exec(said)?.[0];
  // A server that is killed leaves its data and its address to the one that is started `again`.
  return { base, setupLink, stop, kill: () => end("SIGKILL"), again: run, said: () => said, log: () => log, pid: child.pid, data, env };
}

/** The caught mails to an address, the newest first. */
export async function mails(base, to) {
  const answer = await fetch(`${base}/_mail/api/messages?to=${encodeURIComponent(to)}`);
  return answer.json();
}

/** The newest mail to an address, as soon as its job has run. */
export async function mailTo(base, to) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const [mail] = await mails(base, to);
    if (mail) return mail;
    if (Date.now() > deadline) throw new Error(`no mail to ${to}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

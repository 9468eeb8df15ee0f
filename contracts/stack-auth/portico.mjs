/** A whole Portico for a test file: its own data folder and port, the project's keys, and what its mails say. */
import { execFile, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const root = path.resolve(import.meta.dirname, "../..");
const binary = process.env.PORTICO_BINARY ?? path.join(root, "target", process.env.PORTICO_PROFILE ?? "debug", "portico");

/** A port that nobody has now, and that does not end in 02: such a base makes the SDK try another beside it. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port % 100 === 2 ? freePort() : port));
    });
  });
}

/** Runs the built server until `stop()`; `config` is written as its `portico.toml`. */
export async function start({ config = "", port } = {}) {
  const data = mkdtempSync(path.join(tmpdir(), "portico-stack-auth-"));
  // Started by root, PostgreSQL runs as a user of its own, who has to get through.
  chmodSync(data, 0o711);
  port ??= await freePort();
  const file = path.join(data, "portico.toml");
  // Hashes at their full cost would only make the tests slow.
  const cost = config.includes("[identity]") ? "" : "[identity]\nargon2_memory_kib = 64\nargon2_passes = 1\n";
  // What stands before the first section of a file belongs to none.
  writeFileSync(file, `${config}\n${cost}`);
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    PORTICO_CONFIG: file,
    PORTICO_DATA: path.join(data, "data"),
    PORTICO_LISTEN: `127.0.0.1:${port}`,
  };
  const child = spawn(binary, ["serve"], { cwd: root, env });
  let log = "";
  let said = "";
  child.stdout.on("data", (chunk) => (said += chunk));
  child.stderr.on("data", (chunk) => (log += chunk));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const base = `http://localhost:${port}`;

  async function stop() {
    child.kill("SIGINT");
    await ended;
    rmSync(data, { recursive: true, force: true });
  }

  const deadline = Date.now() + 180_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`portico ended with ${child.exitCode}:\n${said}\n${log}`);
    const answer = await fetch(`${base}/stack/health`).catch(() => null);
    if (answer?.ok) break;
    if (Date.now() > deadline) {
      await stop();
      throw new Error(`portico does not answer:\n${said}\n${log}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const shown = await promisify(execFile)(binary, ["stack-auth", "show"], { cwd: root, env });
  const keys = Object.fromEntries(
    shown.stdout
      .split("\n")
      .filter((line) => line.includes("=") && !line.startsWith("#"))
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  );
  return {
    base,
    stack: `${base}/stack`,
    api: `${base}/stack/api/v1`,
    projectId: keys.NEXT_PUBLIC_STACK_PROJECT_ID,
    publishableClientKey: keys.NEXT_PUBLIC_STACK_PUBLISHABLE_CLIENT_KEY,
    secretServerKey: keys.STACK_SECRET_SERVER_KEY,
    setupLink: /http\S+\/setup#\S+/.exec(said)?.[0],
    stop,
    log: () => log,
    command: (...words) => promisify(execFile)(binary, words, { cwd: root, env }),
  };
}

/** The newest mail to an address whose subject or text matches, as soon as its job has run. */
export async function mailTo(portico, to, pattern = /./) {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await fetch(`${portico.base}/_mail/api/messages?to=${encodeURIComponent(to)}`);
    const body = await answer.json();
    const mail = (body.items ?? body).find((one) => pattern.test(`${one.subject}\n${one.text}`));
    if (mail) return mail;
    if (Date.now() > deadline) throw new Error(`no mail to ${to} that matches ${pattern}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The code in a mail's link. */
export const codeIn = (mail) => /[?&]code=([0-9a-z]{45})/.exec(mail.text)[1];

/** All known-error codes that a server can answer with, one of each. */
export async function knownErrors() {
  const { stdout } = await promisify(execFile)(binary, ["stack-auth", "errors"]);
  return JSON.parse(stdout);
}

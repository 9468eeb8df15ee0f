/** What a run must leave nowhere: collects secrets as they are used, and looks for them in texts, in every form in which one could lie about. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";

/** Every secret by what it is. Short ones are numbers, which stand by chance in times and longer numbers. */
export class Secrets {
  #known = new Map();

  /** Remembers and gives back. */
  add(what, value) {
    if (typeof value !== "string" || value.length < 6) throw new Error(`${what} is no secret: ${value}`);
    this.#known.set(value, what);
    return value;
  }

  get size() {
    return this.#known.size;
  }

  /** What each secret is that stands in a text, and around what. */
  foundIn(text) {
    // Six digits are the fraction of some second in every log.
    const timeless = text.replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?/g, "");
    const found = [];
    for (const [value, what] of this.#known) {
      for (const [form, written] of forms(value)) {
        const at = /^\d+$/.test(written) ? timeless.search(new RegExp(`(?<![\\w.-])${written}(?![\\w-])`)) : timeless.indexOf(written);
        if (at >= 0) found.push(`${what}, ${form}: …${timeless.slice(Math.max(0, at - 80), at + 20).replaceAll("\n", "⏎")}…`);
      }
    }
    return found;
  }
}

function forms(value) {
  const bytes = Buffer.from(value);
  const all = [["as it is", value]];
  const encoded = encodeURIComponent(value);
  if (encoded !== value) all.push(["in a URL", encoded]);
  if (value.length >= 10) {
    // The end of base64 depends on what follows.
    all.push(["in base64", bytes.toString("base64").replace(/.?=*$/, "")], ["in base64url", bytes.toString("base64url").slice(0, -1)], ["in hex", bytes.toString("hex")]);
  }
  return all;
}

/** All that the private cluster of a data folder holds, as SQL. */
export function dump(data) {
  const cluster = path.join(data, "postgres", "data");
  const socket = readFileSync(path.join(cluster, "postmaster.pid"), "utf8").split("\n")[4];
  // The cluster lets in whom it runs as, and root may be anybody.
  const { uid, gid } = statSync(cluster);
  const as = process.getuid() === 0 ? { uid, gid } : {};
  const args = ["--host", socket, "--username", "postgres", "--dbname", "portico"];
  return execFileSync(binary("pg_dump"), args, { ...as, cwd: "/", maxBuffer: 512 * 1024 * 1024, encoding: "utf8" });
}

function binary(name) {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const there = versions.map((version) => path.join(root, version, "bin", name)).find((file) => existsSync(file));
  return there ?? name;
}

/** Completes the standalone build: static files beside it, each compressed once, and proof that no Tamagui reached a browser. */
import { cpSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

process.chdir(path.join(import.meta.dirname, ".."));
const out = ".next/standalone";
for (const [from, to] of [
  [".next/static", `${out}/.next/static`],
  ["public", `${out}/public`],
]) {
  rmSync(to, { recursive: true, force: true });
  if (existsSync(from)) cpSync(from, to, { recursive: true });
}
cpSync("server.mjs", `${out}/server.mjs`);

const leaked = globSync(".next/static/**/*.js").filter((f) => /tamagui|t_unmounted|_dsp_contents/i.test(readFileSync(f, "utf8")));
if (leaked.length) throw new Error(`Tamagui reached the browser in ${leaked.join(", ")}`);

let saved = 0;
for (const file of globSync(`${out}/{.next/static,public}/**/*.{js,css,svg,json,txt,webmanifest}`)) {
  const raw = readFileSync(file);
  if (raw.length < 512) continue;
  const brotli = brotliCompressSync(raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: raw.length } });
  writeFileSync(`${file}.br`, brotli);
  writeFileSync(`${file}.gz`, gzipSync(raw, { level: 9 }));
  saved += raw.length - brotli.length;
}
console.log(`standalone: ready, ${Math.round(saved / 1024)} KiB saved by compressing ahead`);

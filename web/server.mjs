/**
 * Serves the standalone build on the Unix socket named by PORTICO_SOCKET (only its owner may connect), or on loopback PORT.
 * It lives as long as its parent: it ends on SIGTERM after the requests under way, and when its standard input closes.
 */
import { chmodSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";

process.env.NODE_ENV = "production";
process.env.NEXT_TELEMETRY_DISABLED = "1";
const dir = import.meta.dirname;
process.chdir(dir);
const require = createRequire(path.join(dir, "server.mjs"));
const { config } = require("./.next/required-server-files.json");
process.env.__NEXT_PRIVATE_STANDALONE_CONFIG = JSON.stringify(config);

const { getRequestHandlers } = require("next/dist/server/lib/start-server");
const socket = process.env.PORTICO_SOCKET;
const port = Number(process.env.PORT ?? 3000);
const hostname = "127.0.0.1";

let handle;
const server = createServer((request, response) => {
  handle(request, response).catch((error) => {
    console.error(error);
    if (!response.headersSent) response.writeHead(500);
    response.end();
  });
});
server.keepAliveTimeout = 75_000;
server.headersTimeout = 80_000;
server.requestTimeout = 0;

const handlers = await getRequestHandlers({
  dir,
  port,
  hostname,
  isDev: false,
  server,
  minimalMode: false,
  keepAliveTimeout: server.keepAliveTimeout,
  quiet: true,
});
handle = handlers.requestHandler;

if (socket) {
  rmSync(socket, { force: true });
  // The socket is made with the mask already closed, so that there is no moment in which another user could connect.
  const mask = process.umask(0o177);
  server.listen(socket, () => {
    process.umask(mask);
    chmodSync(socket, 0o600);
    console.log(`ready on ${socket}`);
  });
} else server.listen(port, hostname, () => console.log(`ready on http://${hostname}:${port}`));

let stopping = false;
function stop() {
  if (stopping) return;
  stopping = true;
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  setTimeout(() => process.exit(0), 10_000).unref();
}
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
if (socket || process.env.PORTICO_CHILD) {
  process.stdin.on("end", stop).on("error", stop);
  process.stdin.resume();
}

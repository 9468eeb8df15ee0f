/** Networks that can be cut: bytes are handed on, until they are not. */
import { connect, createServer } from "node:net";

/** The network of one browser, a SOCKS5 proxy: `proxy` is what a browser's context is made with; `cut()` ends what is open and lets nothing in until `mend()`. */
export async function cable() {
  const wires = new Set();
  let whole = true;
  const server = createServer((near) => {
    near.on("error", () => {});
    if (!whole) return void near.destroy();
    wires.add(near);
    near.on("close", () => wires.delete(near));
    // No password, then one address to connect to (RFC 1928).
    near.once("data", () => {
      near.write(Buffer.from([5, 0]));
      near.once("data", (asked) => {
        const [host, at] = address(asked);
        const far = connect(asked.readUInt16BE(at), host);
        far.on("error", () => near.destroy());
        near.on("close", () => far.destroy());
        far.once("connect", () => {
          near.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
          near.pipe(far);
          far.pipe(near);
        });
      });
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    // Chromium does not use a proxy for this machine unless it is told to.
    proxy: { server: `socks5://127.0.0.1:${server.address().port}`, bypass: "<-loopback>" },
    ...ends(server, wires, (is) => (whole = is)),
  };
}

/** The host that is asked for, and where its port stands. */
function address(asked) {
  if (asked[3] === 1) return [[...asked.subarray(4, 8)].join("."), 8];
  if (asked[3] === 3) return [asked.toString("latin1", 5, 5 + asked[4]), 5 + asked[4]];
  throw new Error("an address of a kind that no test uses");
}

/** A cable to one port, for clients that know no proxy: `port` is where it begins. */
export async function wire(to) {
  const wires = new Set();
  let whole = true;
  const server = createServer((near) => {
    near.on("error", () => {});
    if (!whole) return void near.destroy();
    const far = connect(to, "127.0.0.1");
    wires.add(near);
    far.on("error", () => near.destroy());
    near.on("close", () => {
      wires.delete(near);
      far.destroy();
    });
    far.on("close", () => near.destroy());
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: server.address().port, ...ends(server, wires, (is) => (whole = is)) };
}

function ends(server, wires, make) {
  const destroy = () => {
    for (const one of wires) one.destroy();
  };
  return {
    cut() {
      make(false);
      destroy();
    },
    mend: () => make(true),
    close() {
      destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

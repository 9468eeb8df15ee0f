/** A mail relay that asks for a password, believes any, and keeps what it is handed. */
import { createServer } from "node:net";

/** Listens on a free port; `url` is what to configure, `mailTo(address, pattern)` waits for a mail. */
export async function relay(password) {
  const mails = [];
  const logins = [];
  const server = createServer((socket) => {
    let text = "";
    let body = null;
    let to = [];
    const say = (line) => socket.write(`${line}\r\n`);
    say("220 relay.test ready");
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      for (let end = text.indexOf("\r\n"); end >= 0; end = text.indexOf("\r\n")) {
        const line = text.slice(0, end);
        text = text.slice(end + 2);
        if (body) {
          if (line !== ".") body.push(line.replace(/^\.\./, "."));
          else {
            mails.push({ to, ...read(body.join("\n")) });
            body = null;
            to = [];
            say("250 kept");
          }
          continue;
        }
        const [word] = line.toUpperCase().split(" ");
        if (word === "EHLO") socket.write("250-relay.test\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN\r\n");
        else if (word === "AUTH") {
          logins.push(Buffer.from(line.split(" ")[2] ?? "", "base64").toString());
          say("235 welcome");
        } else if (word === "RCPT") {
          to.push(/<(.*)>/.exec(line)[1]);
          say("250 yes");
        } else if (word === "DATA") {
          body = [];
          say("354 go on");
        } else if (word === "QUIT") socket.end("221 bye\r\n");
        else say("250 yes");
      }
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `smtp://portico:${encodeURIComponent(password)}@127.0.0.1:${server.address().port}`;

  async function mailTo(address, pattern) {
    const deadline = Date.now() + 60_000;
    for (;;) {
      const at = mails.findLastIndex((mail) => mail.to.includes(address) && pattern.test(mail.text));
      if (at >= 0) return mails.splice(at, 1)[0].text;
      if (Date.now() > deadline) throw new Error(`no mail to ${address} like ${pattern}; there are ${mails.map((mail) => `${mail.to}: ${mail.text.slice(0, 60)}`).join("; ")}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return { url, mailTo, logins, close: () => new Promise((resolve) => server.close(resolve)) };
}

/** The subject and all readable parts of a mail, as one text. */
function read(raw) {
  const text = raw
    .split(/\n--/)
    .map((part) => {
      const [head, ...rest] = part.split("\n\n");
      const content = rest.join("\n\n");
      if (/encoding: base64/i.test(head)) return `${head}\n\n${Buffer.from(content, "base64").toString()}`;
      if (!/encoding: quoted-printable/i.test(head)) return part;
      const bytes = content.replace(/=\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
      return `${head}\n\n${Buffer.from(bytes, "latin1").toString()}`;
    })
    .join("\n");
  return { text };
}

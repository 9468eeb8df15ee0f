/** A certified OpenID Connect provider (npm `oidc-provider`) on a free port of this machine, with its own sign-in pages. */
import { createServer } from "node:http";
import Provider from "oidc-provider";

/** People who have an account there, by what they type as login. */
const PEOPLE = {
  ada: { email: "ada@example.org", email_verified: true, name: "Ada Whitfield" },
  bob: { email: "bob@example.org", email_verified: true, name: "Bob Keller" },
  cyd: { email: "cyd@example.org", email_verified: true, name: "Cyd Ferrer" },
  dan: { email: "dan@example.org", email_verified: true, name: "Dan Okafor" },
  fay: { email: "fay@example.org", email_verified: true, name: "Fay Lindgren" },
  gus: { email: "gus@example.org", email_verified: true, name: "Gus Moreau" },
  eve: { email: "bob@example.org", email_verified: false, name: "Eve Adler" },
};

/** Starts it for one client, which lives at `origin` and takes browsers back at both of its faces; stop it with `stop()`. */
export async function start({ name, origin, secret }) {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://localhost:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: "portico", client_secret: secret, redirect_uris: [`${origin}/api/v1/providers/${name}/callback`, `${origin}/stack/api/v1/auth/oauth/callback/${name}`] }],
    claims: { email: ["email", "email_verified"], profile: ["name"] },
    cookies: { keys: ["only for this test"] },
    pkce: { required: () => true },
    findAccount: (_, id) => (PEOPLE[id] ? { accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) } : undefined),
  });
  server.on("request", provider.callback());
  return {
    issuer,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

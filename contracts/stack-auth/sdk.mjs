/** The SDK as an app would make it: only the base address is another. */
import { StackClientApp, StackServerApp } from "@stackframe/js";

let made = 0;

export const password = () => `four-quiet-arches-${Math.random().toString(36).slice(2)}`;
export const address = (name = "ada") => `${name}-${++made}-${process.pid}@example.org`;
export const callback = "http://localhost:3000/handler/email-verification";

const options = (portico) => ({
  projectId: portico.projectId,
  publishableClientKey: portico.publishableClientKey,
  baseUrl: portico.stack,
  tokenStore: "memory",
  // On unless it is switched off, it would sign every visitor up anonymously (T1).
  analytics: { enabled: false },
  devTool: false,
  redirectMethod: "none",
  urls: { emailVerification: callback },
});

export const client = (portico, more = {}) => new StackClientApp({ ...options(portico), ...more });
export const server = (portico, more = {}) =>
  new StackServerApp({ ...options(portico), secretServerKey: portico.secretServerKey, ...more });

/** Somebody new, signed in. */
export async function signedUp(portico, name) {
  const app = client(portico);
  const who = { email: address(name), password: password() };
  const result = await app.signUpWithCredential({ ...who, noRedirect: true, verificationCallbackUrl: callback });
  if (result.status === "error") throw result.error;
  return { app, user: await app.getUser(), ...who };
}

/** A bare request of either header family. */
export async function raw(portico, method, path, { body, family = "hexclave", access = "client", tokens, ...more } = {}) {
  const headers = {};
  const set = (name, value) => value !== undefined && (headers[`x-${family}-${name}`] = value);
  set("project-id", portico.projectId);
  set("access-type", access);
  set("publishable-client-key", portico.publishableClientKey);
  if (access === "server") set("secret-server-key", portico.secretServerKey);
  set("access-token", tokens?.accessToken);
  set("refresh-token", tokens?.refreshToken);
  for (const [name, value] of Object.entries(more.headers ?? {})) {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
  }
  const answer = await fetch(`${portico.api}${path}`, {
    method,
    redirect: "manual",
    headers: body === undefined ? headers : { ...headers, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: answer.status, headers: answer.headers, text, body: json };
}

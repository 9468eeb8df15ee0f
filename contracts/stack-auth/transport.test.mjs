/** §2 and §5 of the protocol: headers of both families, the envelope, known errors, CORS, and the traps. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { KnownError, KnownErrors } from "@stackframe/stack-shared/dist/known-errors";
import { AccessToken } from "@stackframe/stack-shared/dist/sessions";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { knownErrors, start } from "./portico.mjs";
import { address, client, password, raw, signedUp } from "./sdk.mjs";

let portico;
before(async () => (portico = await start()));
after(() => portico.stop());

test("T3: every known error is one of the SDK's, with its status, text and details", async () => {
  const samples = await knownErrors();
  assert.ok(samples.length > 60);
  for (const { status, body } of samples) {
    const error = KnownError.fromJson(body);
    assert.equal(error.errorCode, body.code);
    assert.equal(error.statusCode, status, body.code);
    if (error.humanReadableMessage !== undefined) assert.equal(error.humanReadableMessage, body.error, body.code);
    const details = error.details ?? body.details;
    assert.deepEqual(JSON.parse(JSON.stringify(details ?? null)), body.details ?? null, body.code);
  }
});

test("T2: both header families are understood, and the newer one wins", async () => {
  for (const family of ["stack", "hexclave"]) {
    const answer = await raw(portico, "GET", "/projects/current", { family });
    assert.equal(answer.status, 200);
    assert.equal(answer.body.id, portico.projectId);
  }
  const both = await raw(portico, "GET", "/projects/current", {
    headers: { "x-stack-project-id": "00000000-0000-4000-8000-000000000000" },
  });
  assert.equal(both.status, 200);
});

test("what a request must say is asked for in order, as known errors in both families", async () => {
  const cases = [
    [{ "x-hexclave-access-type": undefined }, 400, "ACCESS_TYPE_REQUIRED"],
    [{ "x-hexclave-access-type": "root" }, 400, "INVALID_ACCESS_TYPE"],
    [{ "x-hexclave-project-id": undefined }, 400, "ACCESS_TYPE_WITHOUT_PROJECT_ID"],
    [{ "x-hexclave-project-id": "00000000-0000-4000-8000-000000000000" }, 400, "CURRENT_PROJECT_NOT_FOUND"],
    [{ "x-hexclave-publishable-client-key": "pck_wrong" }, 401, "INVALID_PUBLISHABLE_CLIENT_KEY"],
    [{ "x-hexclave-access-type": "server" }, 401, "INVALID_SECRET_SERVER_KEY"],
    [{ "x-hexclave-access-type": "admin" }, 401, "INVALID_SUPER_SECRET_ADMIN_KEY"],
    [{ "x-hexclave-branch-id": "other" }, 400, "BRANCH_DOES_NOT_EXIST"],
    [{ "x-hexclave-access-token": "nonsense" }, 401, "UNPARSABLE_ACCESS_TOKEN"],
  ];
  for (const [headers, status, code] of cases) {
    const answer = await raw(portico, "GET", "/users/me", { headers });
    assert.equal(answer.status, status, code);
    assert.equal(answer.body.code, code);
    assert.equal(typeof answer.body.error, "string");
    assert.equal(answer.headers.get("x-stack-known-error"), code);
    assert.equal(answer.headers.get("x-hexclave-known-error"), code);
    assert.match(answer.headers.get("content-type"), /^application\/json/);
    KnownError.fromJson(answer.body);
  }
  const nobody = await raw(portico, "GET", "/users/me");
  assert.deepEqual(nobody.body, {
    code: "CANNOT_GET_OWN_USER_WITHOUT_USER",
    error: "You have specified 'me' as a userId, but did not provide authentication for a user.",
  });
});

test("a 4xx becomes 200 with the actual status where that was asked for", async () => {
  const headers = { "x-hexclave-override-error-status": "true" };
  const answer = await raw(portico, "GET", "/users/me", { headers });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("x-stack-actual-status"), "400");
  assert.equal(answer.headers.get("x-hexclave-actual-status"), "400");
  assert.equal(answer.body.code, "CANNOT_GET_OWN_USER_WITHOUT_USER");
});

test("any origin may call, every path answers OPTIONS, ids and no-store are on each answer", async () => {
  const asked = await fetch(`${portico.api}/users/me`, {
    method: "OPTIONS",
    headers: { origin: "https://app.example.com", "access-control-request-headers": "x-hexclave-project-id" },
  });
  assert.equal(asked.status, 200);
  assert.equal(asked.headers.get("access-control-allow-origin"), "*");
  const allowed = asked.headers.get("access-control-allow-headers").split(", ");
  for (const name of ["project-id", "access-type", "access-token", "refresh-token", "random-nonce", "client-version"]) {
    assert.ok(allowed.includes(`x-stack-${name}`) && allowed.includes(`x-hexclave-${name}`), name);
  }
  for (const name of ["content-type", "authorization", "baggage", "sentry-trace", "ngrok-skip-browser-warning"]) {
    assert.ok(allowed.includes(name), name);
  }
  const answer = await raw(portico, "GET", "/projects/current");
  const exposed = answer.headers.get("access-control-expose-headers");
  for (const name of ["actual-status", "known-error", "request-id"]) {
    assert.match(exposed, new RegExp(`x-stack-${name}.*x-hexclave-${name}`));
  }
  assert.ok(answer.headers.get("x-stack-request-id"));
  assert.equal(answer.headers.get("x-stack-request-id"), answer.headers.get("x-hexclave-request-id"));
  assert.equal(answer.headers.get("cache-control"), "no-store, max-age=0");
  assert.equal(answer.headers.get("set-cookie"), null);
});

test("bodies that cannot be read are said in the SDK's words", async () => {
  const malformed = await fetch(`${portico.api}/auth/password/sign-in`, {
    method: "POST",
    headers: { "x-stack-project-id": portico.projectId, "x-stack-access-type": "client" },
    body: "{",
  });
  assert.equal(malformed.status, 400);
  assert.equal((await malformed.json()).code, "BODY_PARSING_ERROR");
  const missing = await raw(portico, "POST", "/auth/password/sign-in", { body: { password: "x" } });
  assert.equal(missing.status, 400);
  assert.equal(missing.body.code, "SCHEMA_ERROR");
  assert.match(missing.body.details.message, /body\.email must be defined/);
});

test("T8 and T14: no trailing slash, and acts without a body or its type", async () => {
  const answer = await raw(portico, "POST", "/auth/anonymous/sign-up");
  assert.equal(answer.body.code, "ANONYMOUS_ACCOUNTS_NOT_ENABLED");
  assert.equal((await fetch(portico.api)).status, 200);
  assert.equal((await fetch(`${portico.stack}/health`)).status, 200);
});

test("T1: an anonymous visitor is refused by a known error, and batches are taken and dropped", async () => {
  const refused = await raw(portico, "POST", "/auth/anonymous/sign-up");
  assert.equal(refused.status, 400);
  const batch = await raw(portico, "POST", "/analytics/events/batch", { body: { events: [] } });
  assert.deepEqual([batch.status, batch.body], [200, { success: true }]);
});

test("T4, T7 and T13: the access token has exactly the claims that the SDK's own schema wants", async () => {
  const { user } = await signedUp(portico, "claims");
  const { accessToken } = await user.currentSession.getTokens();
  const parsed = AccessToken.createIfValid(accessToken);
  assert.ok(parsed);
  const keys = createRemoteJWKSet(new URL(`${portico.api}/projects/${portico.projectId}/.well-known/jwks.json`));
  const { payload } = await jwtVerify(accessToken, keys, {
    issuer: new RegExp("/projects/").test(parsed.payload.iss) ? parsed.payload.iss : "none",
    audience: portico.projectId,
    algorithms: ["ES256"],
  });
  assert.match(payload.iss, new RegExp(`/stack/api/v1/projects/${portico.projectId}$`));
  assert.equal(decodeProtectedHeader(accessToken).kid.length, 12);
  assert.deepEqual(Object.keys(payload).sort(), [
    "aud", "branch_id", "email", "email_verified", "exp", "iat", "is_anonymous", "is_restricted", "iss", "name",
    "project_id", "refresh_token_id", "requires_totp_mfa", "restricted_reason", "role", "selected_team_id",
    "signed_up_at", "sub",
  ]);
  assert.equal(payload.branch_id, "main");
  assert.equal(payload.role, "authenticated");
  assert.equal(payload.email_verified, false);
  assert.ok(payload.exp - payload.iat >= 60 && payload.exp - payload.iat <= 900);
  assert.ok(Math.abs(payload.iat - Date.now() / 1000) < 75);
  assert.ok(payload.signed_up_at < 1e11, "seconds");
  assert.ok(user.signedUpAt.getTime() > 1e12, "milliseconds");
});

test("T5: a refresh token is used again and again and stays", async () => {
  const { user } = await signedUp(portico, "again");
  const { refreshToken } = await user.currentSession.getTokens();
  assert.match(refreshToken, /^[0-9a-z]{45}$/);
  for (let i = 0; i < 3; i++) {
    const answer = await raw(portico, "POST", "/auth/sessions/current/refresh", { tokens: { refreshToken } });
    assert.equal(answer.status, 200);
    assert.deepEqual(Object.keys(answer.body), ["access_token"]);
  }
});

test("T6: a lock-out is a known error that says how long, never a 429", async () => {
  const who = await signedUp(portico, "locked");
  let last;
  for (let i = 0; i < 12; i++) {
    last = await raw(portico, "POST", "/auth/password/sign-in", { body: { email: who.email, password: "not it at all" } });
    assert.notEqual(last.status, 429);
    assert.equal(last.headers.get("retry-after"), null);
  }
  assert.equal(last.body.code, "SESSION_AUTHENTICATION_ERROR");
  assert.match(last.body.error, /Too many attempts\. Please try again in \d+ (seconds|minutes)\./);
  KnownError.fromJson(last.body);
});

test("T9 and T10: the vendor's domain is not trusted, and no query is in the log", async () => {
  const page = `https://${portico.projectId}.built-with-stack-auth.com/handler`;
  const body = { email: address(), callback_url: page };
  const refused = await raw(portico, "POST", "/auth/otp/send-sign-in-code", { body });
  assert.equal(refused.body.code, "REDIRECT_URL_NOT_WHITELISTED");
  await fetch(`${portico.api}/auth/oauth/authorize/google?token=a-token-in-the-query`);
  assert.ok(!portico.log().includes("a-token-in-the-query"));
});

test("T11: both families name the same code in header and body", async () => {
  const app = client(portico);
  const result = await app.signInWithCredential({ email: address(), password: password(), noRedirect: true });
  assert.ok(KnownErrors.EmailPasswordMismatch.isInstance(result.error));
});

test("T12: the token endpoint speaks OAuth and the protocol at once, and challenges nobody", async () => {
  const form = (fields) =>
    fetch(`${portico.api}/auth/oauth/token`, { method: "POST", body: new URLSearchParams(fields) });
  const dead = await form({
    grant_type: "refresh_token",
    refresh_token: "0".repeat(45),
    client_id: portico.projectId,
    client_secret: "__stack_public_client__",
  });
  assert.equal(dead.status, 401);
  assert.equal(dead.headers.get("www-authenticate"), null);
  assert.equal(dead.headers.get("x-stack-known-error"), "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED");
  const body = await dead.json();
  assert.ok(typeof body.error === "string" && body.error.length > 0);
  const wrong = await form({ grant_type: "refresh_token", refresh_token: "x", client_id: "other", client_secret: "y" });
  assert.equal((await wrong.json()).code, "INVALID_OAUTH_CLIENT_ID_OR_SECRET");
});

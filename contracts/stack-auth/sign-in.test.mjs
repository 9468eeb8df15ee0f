/** P1 through the SDK: signing up and in, sessions, codes by mail, reset, verification, the second factor. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { generateTOTP } from "@oslojs/otp";
import { KnownErrors } from "@stackframe/stack-shared/dist/known-errors";
import { codeIn, mailTo, start } from "./portico.mjs";
import { address, callback, client, password, raw, signedUp } from "./sdk.mjs";

let portico;
before(async () => (portico = await start()));
after(() => portico.stop());

const ok = (result) => {
  if (result.status === "error") throw result.error;
  return result.data;
};

test("somebody signs up, is read and changed, signs out and in again", async () => {
  const { app, user, email, password: secret } = await signedUp(portico, "grace");
  assert.equal(user.primaryEmail, email);
  assert.equal(user.primaryEmailVerified, false);
  assert.equal(user.displayName, null);
  assert.equal(user.hasPassword, true);
  await user.update({ displayName: "Grace", clientMetadata: { theme: "dark" } });
  const again = await app.getUser();
  assert.equal(again.displayName, "Grace");
  assert.deepEqual(again.clientMetadata, { theme: "dark" });
  await again.signOut();
  assert.equal(await app.getUser(), null);

  const elsewhere = client(portico);
  ok(await elsewhere.signInWithCredential({ email: email.toUpperCase(), password: secret, noRedirect: true }));
  assert.equal((await elsewhere.getUser()).id, user.id);
});

test("the whole body of one's own user", async () => {
  const { user, email } = await signedUp(portico, "whole");
  const answer = await raw(portico, "GET", "/users/me", { tokens: await user.currentSession.getTokens() });
  const { id, signed_up_at_millis: at, ...rest } = answer.body;
  assert.equal(id, user.id);
  assert.equal(typeof at, "number");
  assert.deepEqual(rest, {
    auth_with_email: true,
    client_metadata: null,
    client_read_only_metadata: null,
    display_name: null,
    has_password: true,
    is_anonymous: false,
    is_restricted: false,
    oauth_providers: [],
    otp_auth_enabled: false,
    passkey_auth_enabled: false,
    primary_email: email,
    primary_email_verified: false,
    profile_image_url: null,
    requires_totp_mfa: false,
    restricted_by_admin: false,
    restricted_by_admin_reason: null,
    restricted_reason: null,
    selected_team: null,
    selected_team_id: null,
  });
});

test("what goes wrong at the forms comes back as the SDK's errors", async () => {
  const { email } = await signedUp(portico, "taken");
  const app = client(portico);
  const twice = await app.signUpWithCredential({ email, password: password(), noRedirect: true, verificationCallbackUrl: callback });
  assert.ok(KnownErrors.UserWithEmailAlreadyExists.isInstance(twice.error));
  const wrong = await app.signInWithCredential({ email, password: "not it at all", noRedirect: true });
  assert.ok(KnownErrors.EmailPasswordMismatch.isInstance(wrong.error));
  const unknown = await app.signInWithCredential({ email: address(), password: "not it at all", noRedirect: true });
  assert.ok(KnownErrors.EmailPasswordMismatch.isInstance(unknown.error));
  for (const [weak, kind] of [
    ["short", KnownErrors.PasswordTooShort],
    ["x".repeat(71), KnownErrors.PasswordTooLong],
    ["password1234", KnownErrors.PasswordRequirementsNotMet],
  ]) {
    const refused = await app.signUpWithCredential({ email: address(), password: weak, noRedirect: true, verificationCallbackUrl: callback });
    assert.ok(kind.isInstance(refused.error), weak);
  }
  const away = await raw(portico, "POST", "/auth/password/sign-up", {
    body: { email: address(), password: password(), verification_callback_url: "https://evil.example.com/" },
  });
  assert.equal(away.body.code, "REDIRECT_URL_NOT_WHITELISTED");
});

test("signing out binds at once, whatever the access token still says", async () => {
  const { app, user } = await signedUp(portico, "out");
  const tokens = await user.currentSession.getTokens();
  await user.signOut();
  const late = await raw(portico, "GET", "/users/me", { tokens });
  assert.equal(late.status, 401);
  assert.equal(late.body.code, "ACCESS_TOKEN_EXPIRED");
  assert.equal(late.body.details.expired_at_millis, null);
  const dead = await raw(portico, "POST", "/auth/sessions/current/refresh", { tokens: { refreshToken: tokens.refreshToken } });
  assert.equal(dead.body.code, "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED");
  assert.equal(await app.getUser(), null);
});

test("an address is proved by the mailed link, once", async () => {
  const { app, user, email } = await signedUp(portico, "prove");
  const mail = await mailTo(portico, email, /\?code=/);
  assert.match(mail.text, /http:\/\/localhost:3000\/handler\/email-verification\?code=/);
  const code = codeIn(mail);
  assert.equal((await raw(portico, "POST", "/contact-channels/verify/check-code", { body: { code } })).body.is_code_valid, true);
  ok(await app.verifyEmail(code));
  assert.equal((await client(portico).verifyEmail(code)).status, "error");
  const used = await raw(portico, "POST", "/contact-channels/verify", { body: { code } });
  assert.deepEqual([used.status, used.body.code], [409, "VERIFICATION_CODE_ALREADY_USED"]);
  const unknown = await raw(portico, "POST", "/contact-channels/verify", { body: { code: "0".repeat(45) } });
  assert.deepEqual([unknown.status, unknown.body.code], [404, "VERIFICATION_CODE_NOT_FOUND"]);
  assert.equal((await raw(portico, "GET", "/users/me", { tokens: await user.currentSession.getTokens() })).body.primary_email_verified, true);
});

test("the first-party API takes the token once the address is proved, wrapped or plain", async () => {
  const { app, user, email } = await signedUp(portico, "bridge");
  const ask = async (authorization) => (await fetch(`${portico.base}/api/v1/me`, { headers: { authorization } })).status;
  assert.equal(await ask(`Bearer ${(await user.currentSession.getTokens()).accessToken}`), 401);
  ok(await app.verifyEmail(codeIn(await mailTo(portico, email, /\?code=/))));
  const { refreshToken } = await user.currentSession.getTokens();
  const { body } = await raw(portico, "POST", "/auth/sessions/current/refresh", { tokens: { refreshToken } });
  assert.equal(await ask(`Bearer ${body.access_token}`), 200);
  const wrapped = Buffer.from(JSON.stringify({ accessToken: body.access_token, refreshToken })).toString("base64");
  assert.equal(await ask(`Bearer stackauth_${wrapped}`), 200);
  await user.signOut();
  assert.equal(await ask(`Bearer ${body.access_token}`), 401);
});

test("a link signs up, a typed code signs in, and guesses are counted", async () => {
  const email = address("otp");
  const app = client(portico);
  ok(await app.sendMagicLinkEmail(email, { callbackUrl: "http://localhost:3000/handler/magic-link-callback" }));
  const mail = await mailTo(portico, email);
  ok(await app.signInWithMagicLink(codeIn(mail), { noRedirect: true }));
  const user = await app.getUser();
  assert.equal(user.primaryEmailVerified, true);
  assert.equal(user.otpAuthEnabled, true);
  assert.equal(user.hasPassword, false);

  const again = client(portico);
  const { nonce } = ok(await again.sendMagicLinkEmail(email, { callbackUrl: callback }));
  assert.equal(nonce.length, 39);
  const second = await mailTo(portico, email, new RegExp(`code=[0-9a-z]{6}${nonce}`));
  const typed = /your code is ([0-9A-Z]{6})/.exec(second.subject)[1];
  const wrong = await raw(portico, "POST", "/auth/otp/sign-in", { body: { code: `000000${nonce}` } });
  assert.equal(wrong.body.code, "VERIFICATION_CODE_NOT_FOUND");
  const right = await raw(portico, "POST", "/auth/otp/sign-in", { body: { code: typed + nonce } });
  assert.equal(right.status, 200);
  assert.deepEqual(Object.keys(right.body).sort(), ["access_token", "is_new_user", "refresh_token", "user_id"]);
  assert.equal(right.body.is_new_user, false);
  assert.equal(right.body.user_id, user.id);

  const guessed = ok(await again.sendMagicLinkEmail(email, { callbackUrl: callback })).nonce;
  let last;
  for (let i = 0; i < 21; i++) last = await raw(portico, "POST", "/auth/otp/sign-in", { body: { code: `00000${"abcdefghjkmnpqrstvwxyz"[i]}${guessed}` } });
  assert.equal(last.body.code, "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED");
});

test("no code for an account whose address nobody has proved", async () => {
  const { email } = await signedUp(portico, "hijack");
  const refused = await raw(portico, "POST", "/auth/otp/send-sign-in-code", { body: { email, callback_url: callback } });
  assert.equal(refused.status, 409);
  assert.deepEqual(refused.body.details, { email, would_work_if_email_was_verified: true });
});

test("who proves an address throws out what another left in the account before", async () => {
  const eve = await signedUp(portico, "victim");
  const tokens = await eve.user.currentSession.getTokens();
  const body = JSON.stringify({ email: eve.email, name: "Ada", password: password() });
  const headers = { "content-type": "application/json" };
  assert.equal((await fetch(`${portico.base}/api/v1/accounts`, { method: "POST", headers, body })).status, 202);
  const mail = await mailTo(portico, eve.email, /\/verify#/);
  const token = /\/verify#(\S+)/.exec(mail.text)[1];
  const proof = await fetch(`${portico.base}/api/v1/accounts/verification`, { method: "PUT", headers, body: JSON.stringify({ token }) });
  assert.equal(proof.status, 200);
  assert.equal((await raw(portico, "GET", "/users/me", { tokens })).status, 401);
  const again = await client(portico).signInWithCredential({ email: eve.email, password: eve.password, noRedirect: true });
  assert.ok(KnownErrors.EmailPasswordMismatch.isInstance(again.error));
});

test("a forgotten password is set anew, all sessions end, and nobody learns who has an account", async () => {
  const { app, user, email } = await signedUp(portico, "forgot");
  const tokens = await user.currentSession.getTokens();
  const answers = [];
  for (const to of [email, address("nobody")]) {
    answers.push(await raw(portico, "POST", "/auth/password/send-reset-code", { body: { email: to, callback_url: callback } }));
  }
  assert.deepEqual(answers.map((answer) => [answer.status, answer.body]), [
    [200, { success: "maybe, only if user with e-mail exists" }],
    [200, { success: "maybe, only if user with e-mail exists" }],
  ]);
  const code = codeIn(await mailTo(portico, email, /new password/));
  ok(await app.verifyPasswordResetCode(code));
  const secret = password();
  ok(await app.resetPassword({ code, password: secret }));
  assert.equal((await raw(portico, "GET", "/users/me", { tokens })).status, 401);
  const fresh = client(portico);
  ok(await fresh.signInWithCredential({ email, password: secret, noRedirect: true }));
  const me = await fresh.getUser();
  assert.equal(me.primaryEmailVerified, true);

  const other = client(portico);
  ok(await other.signInWithCredential({ email, password: secret, noRedirect: true }));
  const next = password();
  assert.ok(KnownErrors.PasswordConfirmationMismatch.isInstance(await me.updatePassword({ oldPassword: "not it at all", newPassword: next })));
  assert.equal(await me.updatePassword({ oldPassword: secret, newPassword: next }), undefined);
  assert.ok(await fresh.getUser({ or: "return-null" }));
  const list = await me.getActiveSessions();
  assert.equal(list.length, 1);
  assert.equal(list[0].isCurrentSession, true);
});

test("a password is set where there is none, and only there", async () => {
  const email = address("set");
  const app = client(portico);
  ok(await app.sendMagicLinkEmail(email, { callbackUrl: callback }));
  ok(await app.signInWithMagicLink(codeIn(await mailTo(portico, email)), { noRedirect: true }));
  const user = await app.getUser();
  const secret = password();
  assert.equal(await user.setPassword({ password: secret }), undefined);
  const twice = await raw(portico, "POST", "/auth/password/set", { body: { password: password() }, tokens: await user.currentSession.getTokens() });
  assert.equal(twice.status, 400);
  ok(await client(portico).signInWithCredential({ email, password: secret, noRedirect: true }));
});

test("with a second factor a sign-in is an attempt until the code is right", async () => {
  const { user, email, password: secret } = await signedUp(portico, "mfa");
  const key = crypto.getRandomValues(new Uint8Array(20));
  const code = () => generateTOTP(key, 30, 6);
  await user.update({ totpMultiFactorSecret: key });
  const app = client(portico);
  const challenged = await raw(portico, "POST", "/auth/password/sign-in", { body: { email, password: secret } });
  assert.deepEqual([challenged.status, challenged.body.code], [400, "MULTI_FACTOR_AUTHENTICATION_REQUIRED"]);
  const attempt = challenged.body.details.attempt_code;
  assert.match(attempt, /^[0-9a-z]{45}$/);
  const wrong = await raw(portico, "POST", "/auth/mfa/sign-in", { body: { type: "totp", totp: "000000", code: attempt } });
  assert.equal(wrong.body.code, "INVALID_TOTP_CODE");
  const used = code();
  ok(await app.signInWithMfa(used, attempt, { noRedirect: true }));
  const me = await app.getUser();
  assert.equal(me.isMultiFactorRequired, true);

  const second = await raw(portico, "POST", "/auth/password/sign-in", { body: { email, password: secret } });
  const replayed = await raw(portico, "POST", "/auth/mfa/sign-in", { body: { type: "totp", totp: used, code: second.body.details.attempt_code } });
  assert.equal(replayed.body.code, "INVALID_TOTP_CODE");
  for (let i = 0; i < 4; i++) await raw(portico, "POST", "/auth/mfa/sign-in", { body: { type: "totp", totp: "000000", code: second.body.details.attempt_code } });
  const over = await raw(portico, "POST", "/auth/mfa/sign-in", { body: { type: "totp", totp: "000000", code: second.body.details.attempt_code } });
  assert.equal(over.body.code, "VERIFICATION_CODE_MAX_ATTEMPTS_REACHED");
  await me.update({ totpMultiFactorSecret: null });
  ok(await client(portico).signInWithCredential({ email, password: secret, noRedirect: true }));
});

test("devices are listed and signed out, but not the one that asks", async () => {
  const { app, user, email, password: secret } = await signedUp(portico, "devices");
  const other = client(portico);
  ok(await other.signInWithCredential({ email, password: secret, noRedirect: true }));
  const list = await user.getActiveSessions();
  assert.equal(list.length, 2);
  const current = list.find((session) => session.isCurrentSession);
  const another = list.find((session) => !session.isCurrentSession);
  const refused = await raw(portico, "DELETE", `/auth/sessions/${current.id}?user_id=me`, { tokens: await user.currentSession.getTokens() });
  assert.equal(refused.body.code, "CANNOT_DELETE_CURRENT_SESSION");
  await user.revokeSession(another.id);
  assert.equal((await user.getActiveSessions()).length, 1);
  assert.equal(await other.getUser(), null);
  assert.ok(await app.getUser());
});

test("nobody reads or changes what is another's", async () => {
  const ada = await signedUp(portico, "ada");
  const bob = await signedUp(portico, "bob");
  const tokens = await bob.user.currentSession.getTokens();
  for (const path of [`/auth/sessions?user_id=${ada.user.id}`, `/contact-channels?user_id=${ada.user.id}`]) {
    assert.equal((await raw(portico, "GET", path, { tokens })).status, 403, path);
  }
  for (const [method, path] of [["GET", "/users"], ["GET", `/users/${ada.user.id}`], ["DELETE", `/users/${ada.user.id}`]]) {
    const answer = await raw(portico, method, path, { tokens });
    assert.deepEqual([answer.status, answer.body.code], [401, "INSUFFICIENT_ACCESS_TYPE"], path);
  }
  const assigned = await raw(portico, "PATCH", "/users/me", { tokens, body: { server_metadata: { admin: true }, primary_email_verified: true } });
  assert.equal(assigned.status, 200);
  assert.equal(assigned.body.primary_email_verified, false);
});

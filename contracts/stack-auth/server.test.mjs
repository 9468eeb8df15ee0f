/** P3 through the SDK with the secret key: people, teams, permissions, invitations, API keys, sessions. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { KnownErrors } from "@stackframe/stack-shared/dist/known-errors";
import { codeIn, mailTo, start } from "./portico.mjs";
import { address, callback, client, password, raw, server, signedUp } from "./sdk.mjs";

let portico;
let app;
before(async () => {
  portico = await start();
  app = server(portico);
});
after(() => portico.stop());

const verified = async (name) => {
  const somebody = await signedUp(portico, name);
  await somebody.app.verifyEmail(codeIn(await mailTo(portico, somebody.email, /\?code=/)));
  return somebody;
};

test("a server makes, reads, finds, changes and deletes people", async () => {
  const email = address("made");
  const made = await app.createUser({ primaryEmail: email, primaryEmailVerified: true, password: password(), displayName: "Made by a server" });
  assert.equal(made.primaryEmail, email);
  assert.equal(made.primaryEmailVerified, true);
  await made.update({ serverMetadata: { plan: "gold" }, clientReadOnlyMetadata: { seat: 4 }, displayName: "Renamed" });
  const found = await app.getUser(made.id);
  assert.equal(found.displayName, "Renamed");
  assert.deepEqual(found.serverMetadata, { plan: "gold" });
  const listed = await app.listUsers({ query: email });
  assert.deepEqual(listed.map((user) => user.id), [made.id]);
  const twice = await raw(portico, "POST", "/users", { access: "server", body: { primary_email: email } });
  assert.equal(twice.body.code, "USER_EMAIL_ALREADY_EXISTS");
  await found.delete();
  assert.equal(await app.getUser(made.id), null);
  const gone = await raw(portico, "GET", `/users/${made.id}`, { access: "server" });
  assert.deepEqual([gone.status, gone.body.code], [404, "USER_NOT_FOUND"]);
});

test("the whole body of somebody as servers see them", async () => {
  const { body, status } = await raw(portico, "POST", "/users", { access: "server", body: {} });
  assert.equal(status, 201);
  const { id, signed_up_at_millis: at, last_active_at_millis: active, ...rest } = body;
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.equal(typeof at, "number");
  assert.equal(typeof active, "number");
  assert.deepEqual(rest, {
    auth_with_email: false,
    client_metadata: null,
    client_read_only_metadata: null,
    country_code: null,
    display_name: null,
    has_password: false,
    is_anonymous: false,
    is_restricted: false,
    oauth_providers: [],
    otp_auth_enabled: false,
    passkey_auth_enabled: false,
    primary_email: null,
    primary_email_auth_enabled: false,
    primary_email_verified: false,
    profile_image_url: null,
    requires_totp_mfa: false,
    restricted_by_admin: false,
    restricted_by_admin_private_details: null,
    restricted_by_admin_reason: null,
    restricted_reason: null,
    risk_scores: { sign_up: { bot: 0, free_trial_abuse: 0 } },
    selected_team: null,
    selected_team_id: null,
    server_metadata: null,
  });
});

test("people come in pages, either way round", async () => {
  for (let i = 0; i < 5; i++) await app.createUser({ primaryEmail: address("page") });
  const seen = [];
  let cursor;
  do {
    const page = await app.listUsers({ limit: 2, cursor, orderBy: "signedUpAt", desc: true });
    seen.push(...page.map((user) => user.id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor);
  assert.equal(new Set(seen).size, seen.length);
  const up = (await raw(portico, "GET", "/users?limit=1000", { access: "server" })).body.items.map((user) => user.id);
  assert.deepEqual([...seen].reverse(), up);
});

test("a server's new password and a restriction sign somebody out everywhere, at once", async () => {
  const somebody = await signedUp(portico, "restricted");
  const user = await app.getUser(somebody.user.id);
  const secret = password();
  await user.update({ password: secret });
  assert.equal(await somebody.app.getUser(), null);
  const again = client(portico);
  await again.signInWithCredential({ email: somebody.email, password: secret, noRedirect: true });
  const tokens = await (await again.getUser()).currentSession.getTokens();
  await raw(portico, "PATCH", `/users/${user.id}`, { access: "server", body: { restricted_by_admin: true, restricted_by_admin_reason: "Spam" } });
  assert.equal((await raw(portico, "GET", "/users/me", { tokens })).status, 401);
  const refused = await raw(portico, "POST", "/auth/password/sign-in", { body: { email: somebody.email, password: secret } });
  assert.equal(refused.body.code, "RESTRICTED_USER_NOT_ALLOWED");
  const shown = await raw(portico, "GET", `/users/${user.id}`, { access: "server" });
  assert.deepEqual(shown.body.restricted_reason, { type: "restricted_by_administrator" });
  assert.equal(shown.body.restricted_by_admin_reason, "Spam");
});

test("a server opens a session for somebody", async () => {
  const { user } = await signedUp(portico, "session");
  const tokens = await (await (await app.getUser(user.id)).createSession({ expiresInMillis: 60_000, isImpersonation: true })).getTokens();
  const answer = await raw(portico, "GET", "/users/me", { tokens });
  assert.equal(answer.body.id, user.id);
  const listed = await raw(portico, "GET", "/auth/sessions?user_id=me", { tokens });
  assert.equal(listed.body.items.find((one) => one.is_current_session).is_impersonation, true);
  const nobody = await raw(portico, "POST", "/auth/sessions", { access: "server", body: { user_id: crypto.randomUUID() } });
  assert.equal(nobody.body.code, "USER_ID_DOES_NOT_EXIST");
});

test("somebody founds a team, asks another in, and each may what they were granted", async () => {
  const ada = await verified("founder");
  const bob = await verified("joiner");
  const team = await ada.user.createTeam({ displayName: "Bridge builders" });
  assert.deepEqual((await ada.user.listTeams()).map((one) => one.displayName), ["Bridge builders"]);
  assert.ok(await ada.user.getPermission(team, "$invite_members"));
  await ada.user.setSelectedTeam(team);
  assert.equal((await ada.app.getUser()).selectedTeam.id, team.id);

  const stranger = await raw(portico, "GET", `/teams/${team.id}`, { tokens: await bob.user.currentSession.getTokens() });
  assert.deepEqual([stranger.status, stranger.body.code], [404, "TEAM_NOT_FOUND"]);

  await team.inviteUser({ email: bob.email, callbackUrl: callback });
  const code = codeIn(await mailTo(portico, bob.email, /Bridge builders/));
  const eve = await verified("eve");
  const stolen = await raw(portico, "POST", "/team-invitations/accept", { body: { code }, tokens: await eve.user.currentSession.getTokens() });
  assert.deepEqual([stolen.status, stolen.body.code], [403, "TEAM_INVITATION_EMAIL_MISMATCH"]);
  assert.equal((await bob.app.getTeamInvitationDetails(code)).data.teamDisplayName, "Bridge builders");
  assert.equal((await bob.app.acceptTeamInvitation(code)).status, "ok");
  assert.equal((await team.listUsers()).length, 2);

  const tokens = await bob.user.currentSession.getTokens();
  const renamed = await raw(portico, "PATCH", `/teams/${team.id}`, { tokens, body: { display_name: "Mine" } });
  assert.deepEqual([renamed.status, renamed.body.code], [401, "TEAM_PERMISSION_REQUIRED"]);
  await (await app.getUser(bob.user.id)).grantPermission(await app.getTeam(team.id), "team_admin");
  assert.equal((await raw(portico, "PATCH", `/teams/${team.id}`, { tokens, body: { display_name: "Ours" } })).body.display_name, "Ours");
  const unknown = await raw(portico, "POST", `/team-permissions/${team.id}/${bob.user.id}/no_such_thing`, { access: "server", body: {} });
  assert.deepEqual([unknown.status, unknown.body.code], [404, "PERMISSION_NOT_FOUND"]);
  await bob.user.leaveTeam(team);
  assert.equal((await raw(portico, "GET", `/teams/${team.id}`, { tokens })).status, 404);
});

test("a server minds teams and who is in them", async () => {
  const { user } = await signedUp(portico, "member");
  const team = await app.createTeam({ displayName: "Made by a server" });
  await team.addUser(user.id);
  const twice = await raw(portico, "POST", `/team-memberships/${team.id}/${user.id}`, { access: "server", body: {} });
  assert.equal(twice.body.code, "TEAM_MEMBERSHIP_ALREADY_EXISTS");
  const [member] = await team.listUsers();
  assert.equal(member.id, user.id);
  await team.update({ serverMetadata: { size: 1 } });
  assert.deepEqual((await app.getTeam(team.id)).serverMetadata, { size: 1 });
  await team.removeUser(user.id);
  const absent = await raw(portico, "DELETE", `/team-memberships/${team.id}/${user.id}`, { access: "server" });
  assert.equal(absent.body.code, "TEAM_MEMBERSHIP_NOT_FOUND");
  await team.delete();
  assert.equal(await app.getTeam(team.id), null);
});

test("project permissions are the product's roles", async () => {
  const { user, app: own } = await signedUp(portico, "role");
  const held = await app.getUser(user.id);
  assert.deepEqual((await held.listPermissions()).map((one) => one.id), ["member"]);
  await held.grantPermission("editor");
  const ids = (await held.listPermissions({ recursive: true })).map((one) => one.id);
  assert.ok(ids.includes("updates:publish") && ids.includes("editor"));
  assert.ok(await (await own.getUser()).getPermission("editor"));
  await held.revokePermission("editor");
  assert.deepEqual((await held.listPermissions()).map((one) => one.id), ["member"]);
  const owner = await raw(portico, "POST", `/project-permissions/${user.id}/owner`, { access: "server", body: {} });
  assert.equal(owner.status, 403);
  const missing = await raw(portico, "POST", `/project-permissions/${user.id}/captain`, { access: "server", body: {} });
  assert.equal(missing.body.code, "PERMISSION_NOT_FOUND");
});

test("people and teams make API keys, which a server looks up until they are taken back", async () => {
  const { user } = await signedUp(portico, "keys");
  const key = await user.createApiKey({ description: "laptop", expiresAt: new Date(Date.now() + 3_600_000) });
  assert.match(key.value, /^sk_[0-9a-z]{45}$/);
  const owner = await app.getUser({ apiKey: key.value });
  assert.equal(owner.id, user.id);
  const [listed] = await user.listApiKeys();
  assert.deepEqual(listed.value, { lastFour: key.value.slice(-4) });
  const wrong = await raw(portico, "POST", "/team-api-keys/check", { access: "server", body: { api_key: key.value } });
  assert.deepEqual(wrong.body.details, { expected_type: "team", actual_type: "user" });
  await listed.revoke();
  const revoked = await raw(portico, "POST", "/user-api-keys/check", { access: "server", body: { api_key: key.value } });
  assert.deepEqual([revoked.status, revoked.body.code], [401, "API_KEY_REVOKED"]);
  const unknown = await raw(portico, "POST", "/user-api-keys/check", { access: "server", body: { api_key: "sk_nothing" } });
  assert.deepEqual([unknown.status, unknown.body.code], [404, "API_KEY_NOT_FOUND"]);
  const over = await raw(portico, "POST", "/user-api-keys", { access: "server", body: { user_id: user.id, description: "old", expires_at_millis: 1 } });
  const expired = await raw(portico, "POST", "/user-api-keys/check", { access: "server", body: { api_key: over.body.value } });
  assert.deepEqual([expired.status, expired.body.code], [401, "API_KEY_EXPIRED"]);

  const team = await user.createTeam({ displayName: "Keys" });
  const shared = await team.createApiKey({ description: "robot", expiresAt: null });
  assert.equal((await app.getTeam({ apiKey: shared.value })).id, team.id);
  const eve = await signedUp(portico, "eve");
  const peek = await raw(portico, "GET", `/team-api-keys?team_id=${team.id}`, { tokens: await eve.user.currentSession.getTokens() });
  assert.equal(peek.status, 404);
  const other = await raw(portico, "GET", `/user-api-keys/${listed.id}`, { tokens: await eve.user.currentSession.getTokens() });
  assert.equal(other.body.code, "API_KEY_NOT_FOUND");
});

test("addresses are added, proved, used for signing in and made the account's own", async () => {
  const { app: own, user, email, password: secret } = await verified("channels");
  const second = address("second");
  const channel = await user.createContactChannel({ type: "email", value: second, usedForAuth: true });
  assert.equal(channel.isVerified, false);
  const early = client(portico);
  assert.ok(KnownErrors.EmailPasswordMismatch.isInstance((await early.signInWithCredential({ email: second, password: secret, noRedirect: true })).error));
  await channel.sendVerificationEmail({ callbackUrl: callback });
  await own.verifyEmail(codeIn(await mailTo(portico, second, /\?code=/)));
  assert.equal((await early.signInWithCredential({ email: second, password: secret, noRedirect: true })).status, "ok");
  const taken = await raw(portico, "POST", "/auth/password/sign-up", { body: { email: second, password: password() } });
  assert.equal(taken.body.code, "USER_EMAIL_ALREADY_EXISTS");
  await channel.update({ isPrimary: true });
  const listed = await user.listContactChannels();
  assert.deepEqual(listed.map((one) => [one.value, one.isPrimary, one.isVerified]), [[second, true, true], [email, false, true]]);
  await listed[1].delete();
  assert.equal((await user.listContactChannels()).length, 1);
  const primary = await raw(portico, "DELETE", `/contact-channels/me/${listed[0].id}`, { tokens: await user.currentSession.getTokens() });
  assert.equal(primary.status, 400);
});

test("a new secret key makes the old one worthless at once", async () => {
  await portico.command("stack-auth", "rotate-secret");
  const deadline = Date.now() + 30_000;
  let answer;
  do answer = await raw(portico, "GET", "/users", { access: "server" });
  while (answer.status === 200 && Date.now() < deadline);
  assert.equal(answer.body.code, "INVALID_SECRET_SERVER_KEY");
});

/** Providers through the SDK in Chromium, against a certified OpenID Connect provider on this machine. */
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";
import { generateTOTP } from "@oslojs/otp";
import { start as startProvider } from "../oidc/provider.mjs";
import { freePort, start } from "./portico.mjs";
import { address, password, raw, server, signedUp } from "./sdk.mjs";
import { openSite, out, signUp, who } from "./site.mjs";

const SECRET = "a secret of this test alone";
let provider, portico, site;

before(async () => {
  const port = await freePort();
  provider = await startProvider({ name: "work", origin: `http://localhost:${port}`, secret: SECRET });
  portico = await start({
    port,
    config: `public_url = "http://localhost:${port}"\n[identity.providers.work]\ntitle = "Work"\nissuer = "${provider.issuer}"\nclient_id = "portico"\nclient_secret = "${SECRET}"\n`,
  });
  site = await openSite(portico);
});
after(async () => {
  await site?.close();
  await portico?.stop();
  await provider?.stop();
  assert.equal(portico?.log().includes(SECRET), false);
});

const button = (page) => page.getByRole("button", { name: /work/i });

/** The provider's own pages: who it is, and that Portico may know. */
async function signInThere(page, login) {
  await page.getByPlaceholder("Enter any login").fill(login);
  await page.getByPlaceholder("and password").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
}

/** Signs out; the SDK goes to another page by itself. */
async function leave(page) {
  await page.evaluate(async () => (await window.stackApp.getUser()).signOut()).catch(() => {});
  await page.getByText("Nobody").waitFor();
}

test("a newcomer joins by the drop-in button, and comes again as the same", async () => {
  const { page, context, errors } = await site.visitor();
  await page.goto("/sign-up");
  await button(page).waitFor();
  await page.screenshot({ path: path.join(out, "sign-up-provider.png") });
  await button(page).click();
  await signInThere(page, "ada");
  await who(page, "ada@example.org");
  const shown = await page.evaluate(async () => {
    const user = await window.stackApp.getUser();
    const links = await user.listOAuthProviders();
    const connected = await user.listConnectedAccounts();
    return {
      id: user.id,
      name: user.displayName,
      verified: user.primaryEmailVerified,
      password: user.hasPassword,
      providers: user.oauthProviders,
      links: links.map(({ type, email, allowSignIn, allowConnectedAccounts }) => ({ type, email, allowSignIn, allowConnectedAccounts })),
      connected: connected.map(({ provider, providerAccountId }) => ({ provider, providerAccountId })),
    };
  });
  const { id, ...rest } = shown;
  assert.deepEqual(rest, {
    name: "Ada Whitfield",
    verified: true,
    password: false,
    providers: [{ id: "work", account_id: "ada", email: "ada@example.org" }],
    links: [{ type: "work", email: "ada@example.org", allowSignIn: true, allowConnectedAccounts: true }],
    connected: [{ provider: "work", providerAccountId: "ada" }],
  });

  // No token of the provider's is kept, and the only way in stays.
  const refused = await page.evaluate(async () => {
    const user = await window.stackApp.getUser();
    const [account] = await user.listConnectedAccounts();
    const token = await account.getAccessToken();
    const [link] = await user.listOAuthProviders();
    const last = await link.delete().then(() => "gone", (error) => error.message);
    return { token: token.error?.errorCode, last };
  });
  assert.equal(refused.token, "OAUTH_ACCESS_TOKEN_NOT_AVAILABLE");
  assert.match(refused.last, /only way to sign in/);

  await leave(page);
  await page.goto("/sign-in");
  await button(page).click();
  // The provider knows the browser by now.
  await who(page, "ada@example.org");
  assert.equal(await page.evaluate(async () => (await window.stackApp.getUser()).id), id);
  assert.deepEqual(errors, []);
  await context.close();
});

test("somebody signed in links their account there, and then it signs them in", async () => {
  const email = address("linker");
  const { page, context } = await site.visitor();
  await signUp(page, email, password());
  const id = await page.evaluate(async () => (await window.stackApp.getUser()).id);
  const before = await page.evaluate(async () => (await (await window.stackApp.getUser()).getActiveSessions()).length);
  page.evaluate(() => window.stackApp.getUser().then((user) => user.linkConnectedAccount("work"))).catch(() => {});
  await signInThere(page, "dan");
  await who(page, email);
  const linked = await page.evaluate(async () => {
    const user = await window.stackApp.getUser();
    return { id: user.id, providers: user.oauthProviders.map((one) => one.account_id), sessions: (await user.getActiveSessions()).length };
  });
  assert.deepEqual(linked, { id, providers: ["dan"], sessions: before });

  await leave(page);
  await page.goto("/sign-in");
  await button(page).click();
  await who(page, email);

  // Not to be signed in with any more; and then not linked any more.
  const denied = await page.evaluate(async () => {
    const [link] = await (await window.stackApp.getUser()).listOAuthProviders();
    await link.update({ allowSignIn: false });
    return (await (await window.stackApp.getUser()).listOAuthProviders())[0].allowSignIn;
  });
  assert.equal(denied, false);
  await page.evaluate(async () => {
    const [link] = await (await window.stackApp.getUser()).listOAuthProviders();
    await link.delete();
  });
  assert.deepEqual(await page.evaluate(async () => (await (await window.stackApp.getUser()).listOAuthProviders()).length), 0);
  await context.close();
});

test("an address that has an account, or that is not proved, opens nothing and says why", async () => {
  const owner = await signedUp(portico, "owner");
  const app = server(portico);
  await (await app.getUser(owner.user.id)).update({ primaryEmail: "bob@example.org", primaryEmailVerified: true });
  for (const [login, words] of [
    ["bob", /already used for authentication by another account/],
    ["eve", /has not proved that your address is yours/],
  ]) {
    const { page, context } = await site.visitor();
    await page.goto("/sign-in");
    await button(page).click();
    await signInThere(page, login);
    await page.getByText(words).first().waitFor();
    await page.screenshot({ path: path.join(out, `provider-refused-${login}.png`) });
    await page.goto("/");
    await page.getByText("Nobody").waitFor();
    await context.close();
  }
  await (await app.getUser(owner.user.id)).delete();
});

test("turning back at the provider's is told by the SDK's page", async () => {
  const { page, context } = await site.visitor();
  await page.goto("/sign-in");
  await button(page).click();
  await page.getByRole("link", { name: /Cancel/ }).click();
  await page.getByText(/cancelled or denied/).waitFor();
  await context.close();
});

test("a second factor is asked for after the provider, too", async () => {
  const { page, context } = await site.visitor();
  await page.goto("/sign-up");
  await button(page).click();
  await signInThere(page, "fay");
  await who(page, "fay@example.org");
  const id = await page.evaluate(async () => (await window.stackApp.getUser()).id);
  await leave(page);
  const secret = crypto.getRandomValues(new Uint8Array(20));
  await raw(portico, "PATCH", `/users/${id}`, { access: "server", body: { totp_secret_base64: Buffer.from(secret).toString("base64") } });
  await page.goto("/sign-in");
  await button(page).click();
  await page.waitForURL(/mfa/);
  await page.locator("input[inputmode=numeric]").pressSequentially(generateTOTP(secret, 30, 6));
  await who(page, "fay@example.org");
  await context.close();
});

/** A departure without a browser, as a page that fetches the address. */
const authorize = (more = {}, name = "work") => {
  const query = new URLSearchParams({
    client_id: portico.projectId,
    client_secret: portico.publishableClientKey,
    redirect_uri: "http://localhost:3000/handler/oauth-callback",
    scope: "legacy",
    state: "the state of the page",
    grant_type: "authorization_code",
    code_challenge: "a".repeat(43),
    code_challenge_method: "S256",
    response_type: "code",
    type: "authenticate",
    error_redirect_url: "http://localhost:3000/handler/error",
    hexclave_response_mode: "json",
    ...more,
  });
  for (const [key, value] of Object.entries(more)) if (value === undefined) query.delete(key);
  return fetch(`${portico.api}/auth/oauth/authorize/${name}?${query}`, { redirect: "manual" });
};

test("a departure leads to the provider only for the project, and to no place that is not trusted", async () => {
  const good = await authorize();
  assert.equal(good.status, 200);
  const { location } = await good.json();
  assert.equal(new URL(location).origin, provider.issuer);
  assert.equal(new URL(location).searchParams.get("redirect_uri"), `${portico.api}/auth/oauth/callback/work`);
  assert.equal(good.headers.get("set-cookie"), null);
  for (const [more, code, name] of [
    [{ redirect_uri: "https://evil.example/" }, "REDIRECT_URL_NOT_WHITELISTED"],
    [{ error_redirect_url: "https://evil.example/" }, "REDIRECT_URL_NOT_WHITELISTED"],
    [{ after_callback_redirect_url: "https://evil.example/" }, "REDIRECT_URL_NOT_WHITELISTED"],
    [{ code_challenge_method: "plain" }, "SCHEMA_ERROR"],
    [{ code_challenge: undefined }, "SCHEMA_ERROR"],
    [{ client_secret: "pck_wrong" }, "INVALID_OAUTH_CLIENT_ID_OR_SECRET"],
    [{ client_id: crypto.randomUUID() }, "INVALID_OAUTH_CLIENT_ID_OR_SECRET"],
    [{ type: "link" }, "USER_AUTHENTICATION_REQUIRED"],
    [{ type: "link", token: "no token" }, "UNPARSABLE_ACCESS_TOKEN"],
    [{}, "OAUTH_PROVIDER_NOT_FOUND_OR_NOT_ENABLED", "elsewhere"],
  ]) {
    const refused = await authorize(more, name);
    assert.equal((await refused.json()).code, code, JSON.stringify(more));
  }
  // Gone to instead of fetched, the app's own page tells it; an untrusted page is never gone to.
  const told = await authorize({ hexclave_response_mode: undefined, code_challenge_method: "plain" });
  assert.equal(told.status, 303);
  assert.equal(new URL(told.headers.get("location")).searchParams.get("errorCode"), "SCHEMA_ERROR");
  const kept = await authorize({ hexclave_response_mode: undefined, error_redirect_url: "https://evil.example/" });
  assert.equal(kept.headers.get("location"), null);
});

test("a link is made only in the browser that asked, and answers count once", async () => {
  const { user } = await signedUp(portico, "victim");
  const { accessToken } = await user.currentSession.getTokens();
  const left = await authorize({ type: "link", token: accessToken });
  const { location } = await left.json();
  const state = new URL(location).searchParams.get("state");
  const cookie = left.headers.get("set-cookie");
  assert.ok(cookie.startsWith(`stack-oauth-inner-${state}=`), cookie);
  assert.ok(["HttpOnly", "SameSite=Lax", "Path=/"].every((part) => cookie.split("; ").includes(part)), cookie);
  const back = `${portico.api}/auth/oauth/callback/work?code=x&state=${state}`;
  // Somebody else's browser has no such cookie; and the question is used up by its answer.
  for (let i = 0; i < 2; i++) {
    const answer = await fetch(back, { redirect: "manual" });
    assert.deepEqual([answer.status, (await answer.json()).code], [408, "OUTER_OAUTH_TIMEOUT"]);
  }
  // Nor does leading somebody through it whole: without the verifier of the page that began, nothing is linked.
  const led = await site.visitor();
  const query = new URLSearchParams({
    client_id: portico.projectId,
    client_secret: portico.publishableClientKey,
    redirect_uri: `${site.base}/landing`,
    state: "planted",
    code_challenge: "a".repeat(43),
    code_challenge_method: "S256",
    response_type: "code",
    type: "link",
    token: accessToken,
  });
  await led.page.goto(`${portico.api}/auth/oauth/authorize/work?${query}`);
  await signInThere(led.page, "gus");
  await led.page.waitForURL((url) => url.searchParams.has("code"));
  assert.deepEqual(await user.listOAuthProviders(), []);
  await led.context.close();
  const form = new URLSearchParams({
    grant_type: "authorization_code",
    code: "0".repeat(45),
    redirect_uri: "http://localhost:3000/handler/oauth-callback",
    code_verifier: "a".repeat(43),
    client_id: portico.projectId,
    client_secret: portico.publishableClientKey,
  });
  const dead = await fetch(`${portico.api}/auth/oauth/token`, { method: "POST", body: form });
  assert.deepEqual([dead.status, (await dead.json()).code], [400, "INVALID_AUTHORIZATION_CODE"]);
});

test("a code is traded once, by the page that holds its verifier", async () => {
  const { page, context } = await site.visitor();
  const verifier = "v".repeat(64);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const redirect_uri = `${site.base}/landing`;
  const code = async () => {
    const left = await authorize({ code_challenge: Buffer.from(digest).toString("base64url"), redirect_uri, client_secret: "__stack_public_client__" });
    await page.goto((await left.json()).location);
    if (await page.getByPlaceholder("Enter any login").count()) await signInThere(page, "cyd");
    await page.waitForURL((url) => url.searchParams.has("code"));
    const url = new URL(page.url());
    assert.equal(url.searchParams.get("state"), "the state of the page");
    return url.searchParams.get("code");
  };
  const trade = async (more) => {
    const body = new URLSearchParams({ grant_type: "authorization_code", redirect_uri, code_verifier: verifier, client_id: portico.projectId, client_secret: portico.publishableClientKey, ...more });
    const answer = await fetch(`${portico.api}/auth/oauth/token`, { method: "POST", body });
    return { status: answer.status, body: await answer.json() };
  };
  for (const more of [{ code_verifier: "w".repeat(64) }, { redirect_uri: `${site.base}/elsewhere` }]) {
    const stolen = await code();
    assert.equal((await trade({ code: stolen, ...more })).body.code, "INVALID_AUTHORIZATION_CODE");
    assert.equal((await trade({ code: stolen })).body.code, "INVALID_AUTHORIZATION_CODE");
  }
  const good = await code();
  const { status, body } = await trade({ code: good });
  assert.equal(status, 200);
  const { access_token, refresh_token, ...rest } = body;
  assert.ok(access_token);
  assert.match(refresh_token, /^[0-9a-z]{45}$/);
  assert.deepEqual(rest, { token_type: "Bearer", expires_in: 600, scope: "legacy", is_new_user: false, after_callback_redirect_url: null });
  assert.equal((await trade({ code: good })).body.code, "INVALID_AUTHORIZATION_CODE");
  await context.close();
});

test("a server minds links; nobody reads or changes another's", async () => {
  const one = await signedUp(portico, "one");
  const two = await signedUp(portico, "two");
  const body = { user_id: one.user.id, provider_config_id: "work", account_id: "one-there", email: "one@there.example", allow_sign_in: true, allow_connected_accounts: false };
  const made = await raw(portico, "POST", "/oauth-providers", { access: "server", body });
  assert.equal(made.status, 201);
  const { id, ...rest } = made.body;
  assert.deepEqual(rest, { ...body, type: "work" });
  const taken = await raw(portico, "POST", "/oauth-providers", { access: "server", body: { ...body, user_id: two.user.id } });
  assert.equal(taken.body.code, "OAUTH_PROVIDER_ACCOUNT_ID_ALREADY_USED_FOR_SIGN_IN");
  const own = await one.user.currentSession.getTokens();
  const other = await two.user.currentSession.getTokens();
  const { account_id: _, ...seen } = made.body;
  assert.deepEqual((await raw(portico, "GET", "/oauth-providers?user_id=me", { tokens: own })).body.items, [seen]);
  for (const [method, path] of [["GET", `/oauth-providers?user_id=${one.user.id}`], ["GET", `/oauth-providers/${one.user.id}/${id}`], ["PATCH", `/oauth-providers/${one.user.id}/${id}`], ["DELETE", `/oauth-providers/${one.user.id}/${id}`], ["GET", `/connected-accounts/${one.user.id}`]]) {
    const refused = await raw(portico, method, path, { tokens: other, body: method === "PATCH" ? {} : undefined });
    assert.equal(refused.status, 403, `${method} ${path}`);
  }
  assert.equal((await raw(portico, "PATCH", `/oauth-providers/me/${id}`, { tokens: own, body: { account_id: "mine" } })).body.code, "INSUFFICIENT_ACCESS_TYPE");
  assert.equal((await raw(portico, "DELETE", `/oauth-providers/me/${crypto.randomUUID()}`, { tokens: own })).status, 404);
  const moved = await raw(portico, "PATCH", `/oauth-providers/${one.user.id}/${id}`, { access: "server", body: { account_id: "moved" } });
  assert.equal(moved.body.account_id, "moved");
  assert.deepEqual((await raw(portico, "GET", "/connected-accounts/me", { tokens: own })).body.items, []);
  const none = await raw(portico, "POST", "/connected-accounts/me/work/access-token", { tokens: own, body: {} });
  assert.equal(none.body.code, "OAUTH_CONNECTION_NOT_CONNECTED_TO_USER");
  assert.equal((await raw(portico, "DELETE", `/oauth-providers/me/${id}`, { tokens: own })).status, 200);
});

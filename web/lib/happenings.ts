import { lasting } from "./time";

/** What happened, in words. What is not here is shown by its name, made readable. */
const WORDS: Readonly<Record<string, string>> = {
  signed_in: "Signed in",
  new_device: "Signed in on a new device",
  sign_in_failed: "Failed to sign in",
  locked_out: "Locked out for a while after many attempts",
  token_reused: "A stolen session was ended",
  password_changed: "Changed their password",
  password_reset: "Chose a new password",
  password_forgotten: "Was asked to choose a new password",
  second_factor_added: "Set up a second factor",
  second_factor_removed: "Second factor removed",
  second_factor_failed: "Second factor was wrong",
  recovery_code_used: "Used a recovery code",
  passkey_added: "Added a passkey",
  passkey_removed: "Removed a passkey",
  email_changed: "Changed their address",
  provider_linked: "Linked a provider",
  provider_unlinked: "Unlinked a provider",
  suspended: "Suspended",
  restored: "Restored",
  came_back: "Came back before their account was erased",
  deleted: "Moved to the trash",
  signed_out: "Signed out by staff",
  role_changed: "Roles changed",
  invited: "Invited",
  impersonated: "Somebody acted in their place",
  api_key_created: "Made an API key",
  api_key_revoked: "Took an API key back",
  "identity.account_registered": "Registered",
  "identity.registration_repeated": "Registered again",
  "identity.email_verified": "Proved their address",
  "identity.owner_created": "Became the first owner",
  "identity.signed_out": "Signed out",
  "identity.person_deleted": "Moved to the trash",
};

/** The kinds of what happens at the doors. */
export const KINDS: readonly string[] = Object.keys(WORDS).filter((kind) => !kind.includes("."));

export function inWords(kind: string): string {
  const known = WORDS[kind];
  if (known) return known;
  const words = kind.slice(kind.indexOf(".") + 1).replace(/[._]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function inPlace({ started_at: from, ended_at: until, mode, reason }: Record<string, unknown>): string {
  const words = [mode === "write" ? "could change things" : "only looked"];
  if (typeof from === "string" && typeof until === "string") words.unshift(new Date(until).getTime() > Date.now() ? "going on now" : lasting(from, until));
  return `${typeof reason === "string" ? `${reason} ` : ""}(${words.join(", ")})`;
}

/** The one detail that says most. */
export function detail(kind: string, data: unknown, roleTitle: (name: string) => string): string | null {
  if (typeof data !== "object" || data === null) return null;
  const said = data as Record<string, unknown>;
  if (kind === "impersonated") return inPlace(said);
  if (typeof said.reason === "string") return said.reason;
  if (typeof said.role === "string") return `${said.granted === false ? "No longer" : "Now"} ${roleTitle(said.role)}`;
  if (kind === "signed_in" && typeof said.method === "string") return `by ${said.method.replace(/_/g, " ")}`;
  return null;
}

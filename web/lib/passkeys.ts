/** Passkeys in the browser: bytes travel as base64url, and what a person decides is told apart from what failed. */
import { ApiError } from "./api/problem";

const bytes = (text: string): ArrayBuffer => {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const out = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) out[i] = binary.charCodeAt(i);
  return out.buffer;
};
const text = (buffer: ArrayBuffer): string => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** The options as the server writes them: as in WebAuthn, with bytes as text. */
interface Descriptor {
  id: string;
  type: "public-key";
  transports?: AuthenticatorTransport[];
}
interface CreationOptions {
  challenge: string;
  user: { id: string; name: string; displayName: string };
  excludeCredentials?: Descriptor[];
}
interface RequestOptions {
  challenge: string;
  allowCredentials?: Descriptor[];
}
const described = (list: Descriptor[] | undefined) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

/** Whether this browser knows passkeys at all. */
export const passkeysKnown = (): boolean => typeof window !== "undefined" && typeof window.PublicKeyCredential === "function";

/** Whether passkeys can be offered while somebody types their address. */
export async function autofillKnown(): Promise<boolean> {
  if (!passkeysKnown() || typeof PublicKeyCredential.isConditionalMediationAvailable !== "function") return false;
  return PublicKeyCredential.isConditionalMediationAvailable();
}

/** Somebody closed the browser's window, or took too long: nothing to complain of. */
export class Declined extends Error {}

function declined(cause: unknown): never {
  const name = cause instanceof DOMException ? cause.name : "";
  if (name === "NotAllowedError" || name === "AbortError") throw new Declined();
  if (name === "InvalidStateError") throw new ApiError(0, "passkey_here", "This device has a passkey for your account already.");
  if (name === "SecurityError") throw new ApiError(0, "passkeys_unavailable", "The browser offers no passkeys at this address.");
  throw new ApiError(0, "passkey_failed", "The passkey could not be used. Try again, or choose another way.");
}

/** Makes a passkey; what the server is to be sent. */
export async function createPasskey(options: unknown): Promise<Record<string, unknown>> {
  const { challenge, user, excludeCredentials, ...rest } = options as CreationOptions;
  const publicKey = { ...rest, challenge: bytes(challenge), user: { ...user, id: bytes(user.id) }, excludeCredentials: described(excludeCredentials) };
  const made = (await navigator.credentials.create({ publicKey: publicKey as unknown as PublicKeyCredentialCreationOptions }).catch(declined)) as PublicKeyCredential | null;
  if (!made) throw new Declined();
  const response = made.response as AuthenticatorAttestationResponse;
  return {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    clientExtensionResults: {},
    response: { attestationObject: text(response.attestationObject), clientDataJSON: text(response.clientDataJSON), transports: response.getTransports() },
  };
}

/** Has a passkey answer; `waiting` while somebody may choose it in the address field instead. */
export async function askPasskey(options: unknown, waiting?: AbortSignal): Promise<Record<string, unknown>> {
  const { challenge, allowCredentials, ...rest } = options as RequestOptions;
  const publicKey = { ...rest, challenge: bytes(challenge), allowCredentials: described(allowCredentials) };
  const request: CredentialRequestOptions = { publicKey: publicKey };
  if (waiting) Object.assign(request, { mediation: "conditional", signal: waiting });
  const found = (await navigator.credentials.get(request).catch(declined)) as PublicKeyCredential | null;
  if (!found) throw new Declined();
  const response = found.response as AuthenticatorAssertionResponse;
  return {
    id: found.id,
    rawId: text(found.rawId),
    type: found.type,
    clientExtensionResults: {},
    response: {
      authenticatorData: text(response.authenticatorData),
      clientDataJSON: text(response.clientDataJSON),
      signature: text(response.signature),
      userHandle: response.userHandle ? text(response.userHandle) : null,
    },
  };
}

/** What to call a passkey before its owner says: the device that made it. */
export function thisDevice(): string {
  const agent = navigator.userAgent;
  const names: [string, string][] = [
    ["iPhone", "iPhone"],
    ["iPad", "iPad"],
    ["Android", "Android phone"],
    ["Windows", "Windows computer"],
    ["Mac OS", "Mac"],
    ["Linux", "Linux computer"],
  ];
  return names.find(([mark]) => agent.includes(mark))?.[1] ?? "This device";
}

import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";

export const signIn = (email: string, password: string) => unwrap(api.POST("/api/v1/sessions", { body: { email, password } }));
/** The question for the second factor, where the first proof was right but is not enough. */
export type Second = Schema["SecondFactorView"];
export type Entered = Schema["SignedInView"] | Second;
export const isSecond = (entered: Entered): entered is Second => "factors" in entered;

export const mailMe = (email: string, next: string | null) => unwrap(api.POST("/api/v1/sign-in-mails", { body: { email, next } }));
export const byCode = (code: string) => unwrap(api.POST("/api/v1/sessions/code", { body: { code } }));
export const linkFor = (token: string) => unwrap(api.POST("/api/v1/sessions/link", { body: { token } }));
export const byLink = (token: string) => unwrap(api.PUT("/api/v1/sessions/link", { body: { token } }));
export const answer = (body: Schema["AnswerBody"]) => unwrap(api.POST("/api/v1/sessions/second-factor", { body }));
export const askReset = (email: string) => unwrap(api.POST("/api/v1/password-resets", { body: { email } }));
export const resetFor = (token: string) => unwrap(api.POST("/api/v1/password-resets/link", { body: { token } }));
export const reset = (token: string, password: string) => unwrap(api.PUT("/api/v1/password-resets/link", { body: { token, password } }));
export const signUp = (name: string, email: string, password: string) => unwrap(api.POST("/api/v1/accounts", { body: { name, email, password } }));
export const setUp = (body: { token: string; name: string; email: string; password: string }) => unwrap(api.POST("/api/v1/setup", { body }));
export const pending = (token: string) => unwrap(api.POST("/api/v1/accounts/verification", { body: { token } }));
export const verify = (body: { token: string; display_name: string; time_zone: string; locale: string }) => unwrap(api.PUT("/api/v1/accounts/verification", { body }));

export const askForProof = () => unwrap(api.POST("/api/v1/passkeys/challenge"));
export const signInWithPasskey = (ceremony: string, credential: Record<string, unknown>) =>
  unwrap(api.POST("/api/v1/sessions/passkey", { body: { ceremony, credential: credential as Record<string, never> } }));
/** One of the passkeys of whoever waits, as the second step. */
export const askForSecond = () => unwrap(api.POST("/api/v1/sessions/second-factor/challenge"));
export const answerWithPasskey = (ceremony: string, credential: Record<string, unknown>, remember: boolean) =>
  unwrap(api.POST("/api/v1/sessions/second-factor/passkey", { body: { ceremony, credential: credential as Record<string, never>, remember } }));
export const signInAt = (name: string, next: string | null) => unwrap(api.POST("/api/v1/providers/{name}/departures", { params: { path: { name } }, body: { next } }));

export const lookAtEmailLink = (token: string) => unwrap(api.POST("/api/v1/accounts/email-change", { body: { token } }));
export const followEmailLink = (token: string) => unwrap(api.PUT("/api/v1/accounts/email-change", { body: { token } }));
export const pendingInvitation = (token: string) => unwrap(api.POST("/api/v1/invitations/acceptance", { body: { token } }));
export const acceptInvitation = (body: { token: string; name: string; password: string }) => unwrap(api.PUT("/api/v1/invitations/acceptance", { body }));

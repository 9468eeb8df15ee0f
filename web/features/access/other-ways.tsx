"use client";
import { KeyRound, LogIn } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import type { Schema } from "@/lib/api/client";
import { ApiError } from "@/lib/api/problem";
import { askPasskey, autofillKnown, Declined, passkeysKnown } from "@/lib/passkeys";
import { landingOf } from "@/lib/paths";
import { askForProof, signInAt, signInWithPasskey } from "./api";
import { FormError } from "./form-error";

interface Props {
  ways: Schema["WaysInView"];
  next: string | null;
  /** Nobody signs up with a passkey: it belongs to an account. */
  joining?: boolean;
}

/** A question is good for a few minutes; one that waits in the address field is asked anew before. */
const FRESH = 5 * 60_000;

const failure = (cause: unknown) => (cause instanceof ApiError ? cause : new ApiError(0, "unexpected", "Something unexpected happened. Try again, or sign in another way."));

/** The ways in that need no password: a passkey, or somebody else's word. */
export function OtherWays({ ways, next, joining = false }: Props) {
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const waiting = useRef<AbortController | null>(null);
  const passkeys = ways.passkeys && !joining;

  async function withPasskey(signal?: AbortSignal): Promise<void> {
    const asked = await askForProof();
    const session = await signInWithPasskey(asked.ceremony, await askPasskey(asked.options, signal));
    location.assign(landingOf(session, next));
  }

  useEffect(() => {
    if (!passkeys) return;
    let over = false;
    async function offer(): Promise<void> {
      if (over || !(await autofillKnown())) return;
      const controller = new AbortController();
      waiting.current = controller;
      const timer = setTimeout(() => controller.abort(), FRESH);
      try {
        await withPasskey(controller.signal);
      } catch (cause) {
        // Aborted because it grew old: ask again. Anything else that was chosen and refused is said.
        if (cause instanceof Declined && controller.signal.aborted && waiting.current === controller) return void offer();
        if (cause instanceof ApiError && cause.status >= 400 && cause.code !== "rate_limited") setError(cause);
      } finally {
        clearTimeout(timer);
      }
    }
    void offer();
    return () => {
      over = true;
      const controller = waiting.current;
      waiting.current = null;
      controller?.abort();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the offer stands for as long as the page does
  }, [passkeys]);

  async function choose(name: string, run: () => Promise<void>): Promise<void> {
    setBusy(name);
    setError(null);
    const controller = waiting.current;
    waiting.current = null;
    controller?.abort();
    try {
      await run();
    } catch (cause) {
      if (!(cause instanceof Declined)) setError(failure(cause));
      setBusy(null);
    }
  }

  if (!passkeys && ways.providers.length === 0) return null;
  return (
    <div className="flex flex-col gap-3" data-slot="other-ways">
      <p className="flex items-center gap-3 text-13 text-muted before:h-px before:grow before:bg-border after:h-px after:grow after:bg-border">or</p>
      <FormError error={error} />
      {passkeys ? (
        <Button
          variant="secondary"
          size="lg"
          busy={busy === "passkey"}
          disabled={busy !== null}
          onClick={() =>
            void choose("passkey", async () => {
              if (!passkeysKnown()) throw new ApiError(0, "passkeys_unavailable", "This browser knows no passkeys. Sign in another way.");
              await withPasskey();
            })
          }
        >
          <KeyRound aria-hidden />
          Sign in with a passkey
        </Button>
      ) : null}
      {ways.providers.map((provider) => (
        <Button
          key={provider.name}
          variant="secondary"
          size="lg"
          busy={busy === provider.name}
          disabled={busy !== null}
          onClick={() => void choose(provider.name, async () => location.assign((await signInAt(provider.name, next)).url))}
        >
          <LogIn aria-hidden />
          Continue with {provider.title}
        </Button>
      ))}
    </div>
  );
}

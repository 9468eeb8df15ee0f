"use client";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import { TextField } from "@/components/ui/field";
import { focused } from "@/lib/focus";
import type { Schema } from "@/lib/api/client";
import { text, useSubmit } from "@/lib/use-submit";
import { askPasskey } from "@/lib/passkeys";
import { answer, answerWithPasskey, askForSecond, type Second } from "./api";
import { FormError } from "./form-error";

interface Props {
  second: Second;
  done: (session: Schema["SignedInView"]) => void;
  over: () => void;
}

/** The second step of a sign-in: a code of the app, or one of the recovery codes. */
export function SecondFactorForm({ second, done, over }: Props) {
  const ways = second.factors.filter((factor) => factor !== "passkey");
  const [factor, setFactor] = useState<Schema["Factor"]>(ways[0] ?? "totp");
  const [remember, setRemember] = useState(false);
  const form = useSubmit((data) => answer({ factor, code: text(data, "code"), remember: factor === "totp" && remember }), done);
  // Only a key of the account that waits: another one would sign somebody else in.
  const passkey = useSubmit(async () => {
    const asked = await askForSecond();
    return answerWithPasskey(asked.ceremony, await askPasskey(asked.options), remember);
  }, done);
  const other = ways.find((one) => one !== factor);
  const ended = [form.error, passkey.error].find((error) => error?.code === "challenge_over");
  if (ended)
    return (
      <div role="alert" className="flex flex-col items-start gap-4">
        <p className="text-16">{ended.message}</p>
        <Button size="lg" onClick={over}>
          Start again
        </Button>
      </div>
    );
  const withPasskey = second.factors.includes("passkey") ? (
    <form className="flex flex-col gap-4" method="post" onSubmit={passkey.onSubmit}>
      <FormError error={passkey.error} />
      <Button type="submit" variant={ways.length ? "secondary" : "primary"} size="lg" busy={passkey.busy}>
        <KeyRound aria-hidden />
        Use your passkey
      </Button>
    </form>
  ) : null;
  if (!ways.length)
    return (
      <div className="flex flex-col gap-4">
        <p className="text-16">Your password is right. Now show that it is you with your passkey.</p>
        {withPasskey}
        <Button variant="link" size="inline" className="self-start text-14" onClick={over}>
          Sign in another way
        </Button>
      </div>
    );
  return (
    <>
      <form className="flex flex-col gap-4" method="post" onSubmit={form.onSubmit} noValidate>
        <FormError error={form.error} />
        {factor === "recovery_code" ? (
          <TextField key="recovery" label="Recovery code" name="code" autoComplete="off" autoCapitalize="off" spellCheck={false} ref={focused} placeholder="xxxx-xxxx-xxxx-xxxx-xxxx-xxxx" className="font-mono" hint="One of the ten that were shown when you set this up. Each works once." />
        ) : (
          <TextField key="totp" label="Six-digit code" name="code" inputMode="numeric" autoComplete="one-time-code" ref={focused} hint="Your authenticator app shows it, anew every half minute." />
        )}
        {/* A recovery code is for who has lost something: not the moment to trust a browser more. */}
        {factor === "totp" ? (
          <label className="flex items-start gap-2.5 text-14">
            <Checkbox name="remember" className="mt-0.5" checked={remember} onChange={(event) => setRemember(event.target.checked)} />
            <span>
              Do not ask for it on this device for 30 days
              <span className="block text-13 text-muted">Only on a device that is yours alone.</span>
            </span>
          </label>
        ) : null}
        <Button type="submit" size="lg" busy={form.busy} className="mt-2">
          Sign in
        </Button>
        {other ? (
          <Button variant="link" size="inline" className="self-start text-14" onClick={() => setFactor(other)}>
            {other === "recovery_code" ? "No access to the app? Use a recovery code" : "Use the authenticator app"}
          </Button>
        ) : null}
      </form>
      {withPasskey}
      <Button variant="link" size="inline" className="mt-4 self-start text-14" onClick={over}>
        Sign in another way
      </Button>
    </>
  );
}

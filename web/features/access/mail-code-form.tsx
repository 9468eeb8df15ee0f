"use client";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { TextField } from "@/components/ui/field";
import { focused } from "@/lib/focus";
import { safePath } from "@/lib/paths";
import { text, useSubmit } from "@/lib/use-submit";
import { byCode, mailMe, type Entered } from "./api";
import { FormError } from "./form-error";

interface Props {
  email: string;
  next: string | null;
  done: (entered: Entered) => void;
  back: () => void;
}

/** Signing in without a password: the mail holds a code for this browser, and a link for any. */
export function MailCodeForm({ email, next, done, back }: Props) {
  const [asked, setAsked] = useState<string | null>(null);
  const ask = useSubmit(
    async (data) => {
      const to = text(data, "email");
      // What leads elsewhere is not asked for: they land where they always do.
      await mailMe(to, safePath(next, "") || null);
      return to;
    },
    setAsked,
  );
  const form = useSubmit((data) => byCode(text(data, "code")), done);
  const foot = (
    <Button variant="link" size="inline" className="self-start text-14" onClick={back}>
      Use your password instead
    </Button>
  );
  if (asked === null)
    return (
      <form key="ask" className="flex flex-col gap-4" method="post" onSubmit={ask.onSubmit} noValidate>
        <FormError error={ask.error} />
        <TextField label="E-mail" name="email" type="email" autoComplete="username" defaultValue={email} ref={focused} error={ask.fields.email} hint="We mail you a code. No password is needed." />
        <Button type="submit" size="lg" busy={ask.busy} className="mt-2">
          Mail me a code
        </Button>
        {foot}
      </form>
    );
  return (
    <form key="code" className="flex flex-col gap-4" method="post" onSubmit={form.onSubmit} noValidate>
      <p className="text-14 text-muted">
        If <strong className="font-medium text-ink">{asked}</strong> has an account here, a mail with a code is on its way. It works for 10 minutes, in this browser.
      </p>
      <FormError error={form.error} />
      <TextField label="Six-digit code" name="code" inputMode="numeric" autoComplete="one-time-code" ref={focused} />
      <Button type="submit" size="lg" busy={form.busy} className="mt-2">
        Sign in
      </Button>
      <div className="flex flex-col gap-2">
        <Button variant="link" size="inline" className="self-start text-14" onClick={() => setAsked(null)}>
          No mail? Ask again
        </Button>
        {foot}
      </div>
    </form>
  );
}

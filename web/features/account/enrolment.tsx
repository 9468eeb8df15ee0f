"use client";
import { Button } from "@/components/ui/button";
import { TextField } from "@/components/ui/field";
import type { Schema } from "@/lib/api/client";
import { text, useSubmit } from "@/lib/use-submit";
import { confirmTotp } from "./api";

interface Props {
  enrolment: Schema["EnrolmentView"];
  done: (codes: string[]) => void;
  cancel: () => void;
}

/** Teaching an authenticator app the secret, and the proof that it has learnt it. */
export function Enrolment({ enrolment, done, cancel }: Props) {
  const form = useSubmit(
    (data) => confirmTotp(text(data, "code")),
    (answer) => done(answer.recovery_codes),
  );
  return (
    <form className="flex flex-col gap-5" method="post" onSubmit={form.onSubmit} noValidate>
      <div className="flex items-start gap-6 max-sm:flex-col">
        <img src={enrolment.picture} alt="The code for your authenticator app" width={176} height={176} className="shrink-0 rounded-card border border-border bg-white p-2" />
        <div className="flex min-w-0 flex-col gap-3 text-14">
          <p>Scan the picture with an authenticator app: Aegis, Google Authenticator, 1Password, Bitwarden and others read it.</p>
          <p className="text-muted">
            On this device, <a className="text-primary underline underline-offset-4" href={enrolment.uri}>open it in an app</a>, or type this key:
          </p>
          <code className="rounded-control bg-raised px-3 py-2 font-mono text-13 break-all" data-slot="secret">
            {enrolment.secret.replace(/(.{4})(?=.)/g, "$1 ")}
          </code>
        </div>
      </div>
      <div role="alert">{form.error && !form.fields.code ? <p className="text-14 text-danger">{form.error.message}</p> : null}</div>
      <TextField label="The six-digit code that the app shows" name="code" inputMode="numeric" autoComplete="one-time-code" className="max-w-64" error={form.fields.code} />
      <div className="flex gap-2">
        <Button type="submit" busy={form.busy}>
          Turn it on
        </Button>
        <Button variant="ghost" onClick={cancel}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

"use client";
import { NewPasswordField } from "@/components/password-field";
import { Button } from "@/components/ui/button";
import { TextField } from "@/components/ui/field";
import { safePath } from "@/lib/paths";
import { text, useSubmit } from "@/lib/use-submit";
import { setUp } from "./api";
import { FormError } from "./form-error";
import { useFragment } from "./use-fragment";

export function SetupForm() {
  const token = useFragment();
  const form = useSubmit(
    (data) => setUp({ token: token ?? "", name: text(data, "name"), email: text(data, "email"), password: text(data, "password") }),
    (session) => location.assign(safePath(session.landing, "/admin")),
  );
  if (token === "")
    return (
      <p className="text-16">
        This page needs the link that the server printed when it started. To print it again, run <code className="font-mono text-14">portico setup-link</code> on the
        machine.
      </p>
    );
  return (
    <form className="flex flex-col gap-4" method="post" onSubmit={form.onSubmit} noValidate>
      <FormError error={form.error} />
      {form.fields.token ? <p className="text-14 text-danger">{form.fields.token}</p> : null}
      <TextField label="Your name" name="name" autoComplete="name" error={form.fields.name} />
      <TextField label="E-mail" name="email" type="email" autoComplete="username" error={form.fields.email} />
      <NewPasswordField label="Password" name="password" error={form.fields.password} hint="This account may do everything: choose a good one." />
      <Button type="submit" size="lg" busy={form.busy} disabled={token === null} className="mt-2">
        Become the owner
      </Button>
    </form>
  );
}

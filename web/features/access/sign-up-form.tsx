"use client";
import { NewPasswordField } from "@/components/password-field";
import { Button } from "@/components/ui/button";
import { TextField } from "@/components/ui/field";
import { text, useSubmit } from "@/lib/use-submit";
import { signUp } from "./api";
import { FormError } from "./form-error";

export function SignUpForm() {
  const form = useSubmit(
    (data) => signUp(text(data, "name"), text(data, "email"), text(data, "password")),
    () => location.assign("/check-mail"),
  );
  return (
    <form className="flex flex-col gap-4" method="post" onSubmit={form.onSubmit} noValidate>
      <FormError error={form.error} />
      <TextField label="Name" name="name" autoComplete="name" error={form.fields.name} />
      <TextField label="E-mail" name="email" type="email" autoComplete="email" error={form.fields.email} />
      <NewPasswordField label="Password" name="password" error={form.fields.password} hint="A short sentence is a good password." />
      <Button type="submit" size="lg" busy={form.busy} className="mt-2">
        Make an account
      </Button>
    </form>
  );
}

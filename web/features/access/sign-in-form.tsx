"use client";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { TextField } from "@/components/ui/field";
import type { Schema } from "@/lib/api/client";
import { safePath } from "@/lib/paths";
import { text, useSubmit } from "@/lib/use-submit";
import { signIn } from "./api";
import { DemoAccounts } from "./demo-accounts";
import { FormError } from "./form-error";

interface Props {
  email: string;
  next: string | null;
  demo: Schema["AccountView"][];
}

export function SignInForm({ email, next, demo }: Props) {
  const [values, setValues] = useState({ email, password: "" });
  const form = useSubmit(
    (data) => signIn(text(data, "email"), text(data, "password")),
    // A whole new page: nothing of the visitor before stays in memory.
    (session) => location.assign(safePath(next, safePath(session.landing, "/home"))),
  );
  return (
    <form className="flex flex-col gap-4" method="post" onSubmit={form.onSubmit} noValidate>
      <FormError error={form.error} />
      <TextField
        label="E-mail"
        name="email"
        type="email"
        autoComplete="username webauthn"
        value={values.email}
        onChange={(e) => setValues({ ...values, email: e.target.value })}
        error={form.fields.email}
      />
      <TextField
        label="Password"
        name="password"
        type="password"
        autoComplete="current-password"
        value={values.password}
        onChange={(e) => setValues({ ...values, password: e.target.value })}
        error={form.fields.password}
      />
      <Button type="submit" size="lg" busy={form.busy} className="mt-2">
        Sign in
      </Button>
      {demo.length ? <DemoAccounts accounts={demo} pick={(account) => setValues({ email: account.email, password: account.password })} /> : null}
    </form>
  );
}

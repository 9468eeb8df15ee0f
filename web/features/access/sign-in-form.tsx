"use client";
import dynamic from "next/dynamic";
import { useState, type ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { TextField } from "@/components/ui/field";
import type { Schema } from "@/lib/api/client";
import { landingOf } from "@/lib/paths";
import { text, useSubmit } from "@/lib/use-submit";
import { isSecond, signIn, type Entered, type Second } from "./api";
import { DemoAccounts } from "./demo-accounts";
import { FormError } from "./form-error";

const MailCodeForm = dynamic(() => import("./mail-code-form").then((m) => m.MailCodeForm));
const SecondFactorForm = dynamic(() => import("./second-factor-form").then((m) => m.SecondFactorForm));

interface Props {
  email: string;
  next: string | null;
  demo: Schema["AccountView"][];
  /** A sign-in that began elsewhere and waits for its second step. */
  second?: Second | null;
  /** Other ways in, until one of them waits for its second step. */
  others: ReactNode;
}
type Step = { kind: "password" } | { kind: "mail" } | { kind: "second"; second: Second };

export function SignInForm({ email, next, demo, second = null, others }: Props) {
  const [values, setValues] = useState({ email, password: "" });
  const [step, setStep] = useState<Step>(second ? { kind: "second", second } : { kind: "password" });
  // A whole new page: nothing of the visitor before stays in memory.
  const enter = (session: Schema["SignedInView"]) => location.assign(landingOf(session, next));
  const entered = (answer: Entered) => (isSecond(answer) ? setStep({ kind: "second", second: answer }) : enter(answer));
  const form = useSubmit((data) => signIn(text(data, "email"), text(data, "password")), entered);
  const restart = () => setStep({ kind: "password" });

  if (step.kind === "second") return <SecondFactorForm second={step.second} done={enter} over={restart} />;
  if (step.kind === "mail")
    return (
      <>
        <MailCodeForm email={values.email} next={next} done={entered} back={restart} />
        {others}
      </>
    );
  return (
    <>
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
        <div className="flex flex-wrap justify-between gap-x-4 gap-y-2 text-14">
          <Button variant="link" size="inline" onClick={() => setStep({ kind: "mail" })}>
            Mail me a code instead
          </Button>
          <a href="/forgot-password" className="text-primary underline-offset-4 hover:underline">
            Forgot your password?
          </a>
        </div>
        {demo.length ? <DemoAccounts accounts={demo} pick={(account) => setValues({ email: account.email, password: account.password })} /> : null}
      </form>
      {others}
    </>
  );
}

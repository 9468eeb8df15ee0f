"use client";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { TextField } from "@/components/ui/field";
import { text, useSubmit } from "@/lib/use-submit";
import { askReset } from "./api";
import { FormError } from "./form-error";

export function ForgotForm({ email, viewer }: { email: string; viewer: boolean }) {
  const [asked, setAsked] = useState<string | null>(null);
  const form = useSubmit(
    async (data) => {
      const to = text(data, "email");
      await askReset(to);
      return to;
    },
    setAsked,
  );
  if (asked !== null)
    return (
      <div role="status" className="flex flex-col items-start gap-4">
        <p className="text-16">
          If <strong className="font-medium">{asked}</strong> has an account here, a mail with a link is on its way. The link works once, for 10 minutes.
        </p>
        <p className="text-14 text-muted">Nothing after a few minutes? Look in the spam folder, or check the address.</p>
        <span className="flex flex-wrap gap-2">
          <Button variant="secondary" onClick={() => setAsked(null)}>
            Ask again
          </Button>
          {viewer ? (
            <Button asChild variant="secondary">
              <a href="/_mail">Open the local mail viewer</a>
            </Button>
          ) : null}
        </span>
      </div>
    );
  return (
    <form className="flex flex-col gap-4" method="post" onSubmit={form.onSubmit} noValidate>
      <FormError error={form.error} />
      <TextField label="E-mail" name="email" type="email" autoComplete="username" defaultValue={email} error={form.fields.email} />
      <Button type="submit" size="lg" busy={form.busy} className="mt-2">
        Mail me a link
      </Button>
    </form>
  );
}

"use client";
import { useState } from "react";
import { NewPasswordField } from "@/components/password-field";
import { Button } from "@/components/ui/button";
import { text, useSubmit } from "@/lib/use-submit";
import { reset, resetFor } from "./api";
import { FormError } from "./form-error";
import { LinkLoading, LinkMissing, LinkRefused } from "./link-frame";
import { useToken } from "./use-token";

export function ResetForm() {
  const link = useToken(resetFor);
  const [done, setDone] = useState(false);
  const token = link.kind === "ready" ? link.token : "";
  const form = useSubmit(
    (data) => reset(token, text(data, "password")),
    () => setDone(true),
  );
  if (link.kind === "missing") return <LinkMissing />;
  if (link.kind === "refused") return <LinkRefused message={link.message} again="Ask for a new link" href="/forgot-password" />;
  if (link.kind === "loading") return <LinkLoading />;
  if (done)
    return (
      <div role="status" className="flex flex-col items-start gap-4">
        <p className="text-16">Your new password is in place, and every device was signed out.</p>
        <Button asChild size="lg">
          <a href={`/sign-in?email=${encodeURIComponent(link.what.email)}`}>Sign in</a>
        </Button>
      </div>
    );
  return (
    <form className="flex flex-col gap-4" method="post" onSubmit={form.onSubmit} noValidate>
      <FormError error={form.error} />
      <p className="text-14 text-muted">
        For <strong className="font-medium text-ink">{link.what.email}</strong>.
      </p>
      {/* For password managers: which account the new password belongs to. */}
      <input type="email" name="username" autoComplete="username" value={link.what.email} readOnly hidden />
      <NewPasswordField label="New password" name="password" error={form.fields.password} hints={[link.what.email]} />
      <Button type="submit" size="lg" busy={form.busy} className="mt-2">
        Set the password
      </Button>
    </form>
  );
}

"use client";
import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { Field, TextField } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import { Skeleton } from "@/components/ui/skeleton";
import type { Schema } from "@/lib/api/client";
import { ApiError } from "@/lib/api/problem";
import { locales, timeZones } from "@/lib/locales";
import { safePath } from "@/lib/paths";
import { text, useSubmit } from "@/lib/use-submit";
import { pending, verify } from "./api";
import { FormError } from "./form-error";
import { useFragment } from "./use-fragment";

type State = { kind: "loading" } | { kind: "refused"; message: string } | { kind: "ready"; account: Schema["PendingEmailView"] };

function Profile({ token, account }: { token: string; account: Schema["PendingEmailView"] }) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const language = locales.find((l) => navigator.language.startsWith(l.code))?.code ?? "en";
  const form = useSubmit(
    (data) => verify({ token, display_name: text(data, "display_name"), time_zone: text(data, "time_zone"), locale: text(data, "locale") }),
    // The browser that registered is signed in; another signs in first.
    ({ email, landing }) => location.assign(landing ? safePath(landing, "/home") : `/sign-in?email=${encodeURIComponent(email)}`),
  );
  return (
    <form className="flex flex-col gap-4" method="post" onSubmit={form.onSubmit} noValidate>
      <p className="text-muted">
        You are confirming <strong className="font-medium text-ink">{account.email}</strong>.
      </p>
      <FormError error={form.error} />
      <TextField label="What shall we call you" name="display_name" defaultValue={account.name} autoComplete="nickname" error={form.fields.display_name} />
      <Field label="Time zone" error={form.fields.time_zone}>
        {(wiring) => (
          <Select name="time_zone" defaultValue={here} {...wiring}>
            {timeZones(here).map((zone) => (
              <option key={zone}>{zone}</option>
            ))}
          </Select>
        )}
      </Field>
      <Field label="Language" error={form.fields.locale}>
        {(wiring) => (
          <Select name="locale" defaultValue={language} {...wiring}>
            {locales.map((l) => (
              <option key={l.code} value={l.code}>
                {l.name}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <Button type="submit" size="lg" busy={form.busy} className="mt-2">
        Confirm and finish
      </Button>
    </form>
  );
}

export function VerifyForm() {
  const token = useFragment();
  const [state, setState] = useState<State>({ kind: "loading" });
  useEffect(() => {
    if (!token) return;
    let left = false;
    pending(token).then(
      (account) => left || setState({ kind: "ready", account }),
      (error: unknown) => left || setState({ kind: "refused", message: error instanceof ApiError ? error.message : "The link could not be checked." }),
    );
    return () => {
      left = true;
    };
  }, [token]);
  if (token === "") return <p className="text-16">This page needs the whole link from the e-mail. Open it again from there.</p>;
  if (state.kind === "refused")
    return (
      <div role="alert" className="flex flex-col items-start gap-4">
        <p className="text-16">{state.message}</p>
        <Button asChild variant="secondary">
          <a href="/sign-up">Ask for a new link</a>
        </Button>
      </div>
    );
  if (state.kind === "loading" || !token)
    return (
      <div aria-busy className="flex flex-col gap-4">
        <Skeleton className="h-5 w-56" />
        <Skeleton className="h-9" />
        <Skeleton className="h-9" />
        <Skeleton className="h-9" />
      </div>
    );
  return <Profile token={token} account={state.account} />;
}

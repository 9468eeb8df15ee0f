"use client";
import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { TextField } from "@/components/ui/field";
import { Skeleton } from "@/components/ui/skeleton";
import type { Schema } from "@/lib/api/client";
import { ApiError } from "@/lib/api/problem";
import { safePath } from "@/lib/paths";
import { text, useSubmit } from "@/lib/use-submit";
import { acceptInvitation, pendingInvitation } from "./api";
import { FormError } from "./form-error";
import { useFragment } from "./use-fragment";

type State = { kind: "loading" } | { kind: "refused"; message: string } | { kind: "ready"; invitation: Schema["PendingInvitationView"] };

function Accept({ token, invitation }: { token: string; invitation: Schema["PendingInvitationView"] }) {
  const form = useSubmit(
    (data) => acceptInvitation({ token, name: text(data, "name"), password: text(data, "password") }),
    (session) => location.assign("landing" in session ? safePath(session.landing, "/home") : "/sign-in"),
  );
  return (
    <form className="flex flex-col gap-4" method="post" onSubmit={form.onSubmit} noValidate>
      <p className="text-muted">
        {invitation.inviter ? `${invitation.inviter} invites ` : "You are invited as "}
        <strong className="font-medium text-ink">{invitation.email}</strong>.
      </p>
      <FormError error={form.error} />
      <input type="email" name="email" autoComplete="username" value={invitation.email} readOnly hidden />
      <TextField label="Your name" name="name" autoComplete="name" defaultValue={invitation.name} error={form.fields.name} />
      <TextField label="Password" name="password" type="password" autoComplete="new-password" error={form.fields.password} hint="Ten characters or more; a few words make a good one." />
      <Button type="submit" size="lg" busy={form.busy} className="mt-2">
        Come in
      </Button>
    </form>
  );
}

/** Who was invited says how they are called and chooses a password. */
export function InviteForm() {
  const token = useFragment();
  const [state, setState] = useState<State>({ kind: "loading" });
  useEffect(() => {
    if (!token) return;
    let left = false;
    pendingInvitation(token).then(
      (invitation) => left || setState({ kind: "ready", invitation }),
      (error: unknown) => left || setState({ kind: "refused", message: error instanceof ApiError ? error.message : "The link could not be checked." }),
    );
    return () => {
      left = true;
    };
  }, [token]);
  if (token === "") return <p className="text-16">This page needs the whole link from the invitation. Open it again from there.</p>;
  if (state.kind === "refused")
    return (
      <div role="alert" className="flex flex-col items-start gap-4">
        <p className="text-16">{state.message}</p>
        <Button asChild variant="secondary">
          <a href="/sign-in">Sign in instead</a>
        </Button>
      </div>
    );
  if (state.kind === "loading" || !token)
    return (
      <div aria-busy className="flex flex-col gap-4">
        <Skeleton className="h-5 w-56" />
        <Skeleton className="h-9" />
        <Skeleton className="h-9" />
      </div>
    );
  return <Accept token={token} invitation={state.invitation} />;
}

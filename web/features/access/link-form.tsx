"use client";
import dynamic from "next/dynamic";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import type { Schema } from "@/lib/api/client";
import { landingOf } from "@/lib/paths";
import { useSubmit } from "@/lib/use-submit";
import { byLink, isSecond, linkFor, type Second } from "./api";
import { FormError } from "./form-error";
import { LinkLoading, LinkMissing, LinkRefused } from "./link-frame";
import { useToken } from "./use-token";

const SecondFactorForm = dynamic(() => import("./second-factor-form").then((m) => m.SecondFactorForm));

/** Signing in by the link in a mail: shown first, used only when somebody says so. */
export function LinkForm({ next }: { next: string | null }) {
  const enter = (session: Schema["SignedInView"]) => location.assign(landingOf(session, next));
  const link = useToken(linkFor);
  const [second, setSecond] = useState<Second | null>(null);
  const token = link.kind === "ready" ? link.token : "";
  const form = useSubmit(
    () => byLink(token),
    (entered) => (isSecond(entered) ? setSecond(entered) : enter(entered)),
  );
  if (second) return <SecondFactorForm second={second} done={enter} over={() => location.assign("/sign-in")} />;
  if (link.kind === "missing") return <LinkMissing />;
  if (link.kind === "refused") return <LinkRefused message={link.message} again="Go to the sign-in page" href="/sign-in" />;
  if (link.kind === "loading") return <LinkLoading />;
  return (
    <form className="flex flex-col gap-4" method="post" onSubmit={form.onSubmit} noValidate>
      <FormError error={form.error} />
      <p className="text-16">
        You are signing in as <strong className="font-medium">{link.what.email}</strong>.
      </p>
      <Button type="submit" size="lg" busy={form.busy}>
        Sign in here
      </Button>
    </form>
  );
}

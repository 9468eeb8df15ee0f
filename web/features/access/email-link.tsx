"use client";
import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { Skeleton } from "@/components/ui/skeleton";
import type { Schema } from "@/lib/api/client";
import { ApiError } from "@/lib/api/problem";
import { followEmailLink, lookAtEmailLink } from "./api";
import { FormError } from "./form-error";
import { useFragment } from "./use-fragment";

type Link = Schema["EmailLinkView"];

const asks: Record<Link["kind"], { words: (link: Link) => string; label: string }> = {
  confirm_old: { words: (l) => `Shall ${l.new_email} take the place of ${l.old_email} on your account? You will sign in with it, and mail will go there.`, label: "Agree to the change" },
  confirm_new: { words: (l) => `Is ${l.new_email} yours, and shall it take the place of ${l.old_email}?`, label: "Yes, it is mine" },
  undo: { words: (l) => `Give your account the address ${l.old_email} again, instead of ${l.new_email}? Every device is signed out.`, label: "Take the change back" },
};

const outcomes: Record<Schema["EmailLinkOutcomeView"]["outcome"], (link: Link) => string> = {
  waits_for_old: (l) => `Thank you. Now the mail to ${l.old_email}: the address changes once its link was followed too.`,
  waits_for_new: (l) => `Thank you. Now the mail to ${l.new_email}: the address changes once its link was followed too.`,
  changed: (l) => `Done. Your address is ${l.new_email}; sign in with it from now on.`,
  undone: (l) => `Done. Your address is ${l.old_email} again, and every device is signed out. If the change was not yours, choose a new password now.`,
};

/** What a mailed link about a change of address asks, and what comes of it. Looking at it changes nothing. */
export function EmailLink() {
  const token = useFragment();
  if (token === "") return <p className="text-16">This page needs the link from the mail. Open it again from there.</p>;
  // Another link opened in the same tab is another question.
  return <Question key={token} token={token} />;
}

function Question({ token }: { token: string | null }) {
  const [link, setLink] = useState<Link | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Schema["EmailLinkOutcomeView"]["outcome"] | null>(null);
  const failed = (cause: unknown) => setError(cause instanceof ApiError ? cause : new ApiError(0, "unexpected", "Something unexpected happened. Try again."));

  useEffect(() => {
    if (!token) return;
    let over = false;
    lookAtEmailLink(token).then(
      (found) => (over ? undefined : setLink(found)),
      (cause: unknown) => (over ? undefined : failed(cause)),
    );
    return () => {
      over = true;
    };
  }, [token]);

  async function follow(): Promise<void> {
    if (!token) return;
    setBusy(true);
    setError(null);
    try {
      setOutcome((await followEmailLink(token)).outcome);
    } catch (cause) {
      failed(cause);
    } finally {
      setBusy(false);
    }
  }

  if (outcome && link)
    return (
      <div className="flex flex-col gap-4">
        <p role="status" className="text-16">
          {outcomes[outcome](link)}
        </p>
        <Button asChild variant="secondary" size="lg" className="self-start">
          <a href={outcome === "undone" ? "/forgot-password" : "/profile"}>{outcome === "undone" ? "Choose a new password" : "To your profile"}</a>
        </Button>
      </div>
    );
  return (
    <div className="flex flex-col gap-4">
      <FormError error={error} />
      {link ? (
        <>
          <p className="text-16 break-words">{asks[link.kind].words(link)}</p>
          <Button size="lg" busy={busy} onClick={() => void follow()}>
            {asks[link.kind].label}
          </Button>
        </>
      ) : error ? null : (
        <Skeleton className="h-24" />
      )}
    </div>
  );
}

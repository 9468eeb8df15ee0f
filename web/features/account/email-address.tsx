"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { TextField } from "@/components/ui/field";
import { toast } from "@/components/ui/toast";
import type { Schema } from "@/lib/api/client";
import { ApiError } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";
import { text, useSubmit } from "@/lib/use-submit";
import { askEmailChange, dropEmailChange, emailChangeOptions } from "./api";

function waitingFor(change: Schema["EmailChangeView"], old: string): string {
  if (change.new_confirmed) return `It waits for you to agree in the mail to ${old}.`;
  if (change.old_confirmed) return `It waits for you to confirm in the mail to ${change.new_email}.`;
  return `It waits for both: follow the link in the mail to ${old} and the one in the mail to ${change.new_email}.`;
}

function Asking({ close }: { close: () => void }) {
  const client = useQueryClient();
  const form = useSubmit(
    (data) => askEmailChange(text(data, "email")),
    () => {
      void client.invalidateQueries({ queryKey: keys.emailChange() });
      close();
    },
  );
  const whole = form.error && !Object.keys(form.fields).length ? form.error.message : undefined;
  return (
    <form className="flex flex-col gap-4" method="post" onSubmit={form.onSubmit} noValidate>
      <TextField label="New e-mail" name="email" type="email" autoComplete="email" error={form.fields.email ?? whole} />
      <div className="flex justify-end gap-2">
        <Button variant="ghost" onClick={close}>
          Cancel
        </Button>
        <Button type="submit" busy={form.busy}>
          Send the two mails
        </Button>
      </div>
    </form>
  );
}

/** The address of whoever is signed in, and the way to another: both addresses have to agree. */
export function EmailAddress({ email }: { email: string }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const { data } = useQuery(emailChangeOptions());
  const drop = useMutation({
    mutationFn: dropEmailChange,
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.emailChange() });
      toast("Your address stays as it is.");
    },
    onError: (cause) => toast(cause instanceof ApiError ? cause.message : "Nothing was changed. Try again.", { tone: "error" }),
  });
  const pending = data?.pending;
  return (
    <div className="flex flex-col gap-3" data-slot="email">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <span className="min-w-0 font-medium break-words">{email}</span>
        <Button variant="secondary" size="sm" onClick={() => setAsking(true)}>
          Change
        </Button>
      </div>
      {pending ? (
        <div role="status" className="flex flex-col items-start gap-3 rounded-card bg-raised px-4 py-3 text-14">
          <p>
            <span className="font-medium">{pending.new_email}</span> is to take its place. {waitingFor(pending, email)} It was asked for <RelativeTime at={pending.created_at} />.
          </p>
          <Button variant="ghost" size="sm" busy={drop.isPending} onClick={() => drop.mutate()}>
            Give it up
          </Button>
        </div>
      ) : null}
      <Dialog
        open={asking}
        onOpenChange={setAsking}
        title="Another address"
        description={`You sign in with it, and mail goes there. Both ${email} and the new address get a mail with a link; the change comes about once both were followed, and can be taken back for a week.`}
      >
        {asking ? <Asking close={() => setAsking(false)} /> : null}
      </Dialog>
    </div>
  );
}

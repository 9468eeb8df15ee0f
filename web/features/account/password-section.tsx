"use client";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { NewPasswordField } from "@/components/password-field";
import { RelativeTime } from "@/components/relative-time";
import { Section } from "@/components/section";
import { Button } from "@/components/ui/button";
import { TextField } from "@/components/ui/field";
import { toast } from "@/components/ui/toast";
import { focused } from "@/lib/focus";
import type { Schema } from "@/lib/api/client";
import { keys } from "@/lib/query-keys";
import { text, useSubmit } from "@/lib/use-submit";
import { changePassword } from "./api";

function ChangeForm({ me, present, done }: { me: Schema["MeView"]; present: boolean; done: () => void }) {
  const client = useQueryClient();
  const form = useSubmit(
    (data) => changePassword({ password: text(data, "password"), ...(present ? { current_password: text(data, "current_password") } : {}) }),
    () => {
      void client.invalidateQueries({ queryKey: keys.ownSecurity() });
      void client.invalidateQueries({ queryKey: keys.sessions() });
      toast(present ? "Your password is changed. Every other device is signed out." : "Your password is set.");
      done();
    },
  );
  return (
    <form className="flex flex-col gap-4" method="post" onSubmit={form.onSubmit} noValidate>
      <div role="alert">{form.error && !Object.keys(form.fields).length ? <p className="text-14 text-danger">{form.error.message}</p> : null}</div>
      <input type="email" name="username" autoComplete="username" value={me.email} readOnly hidden />
      {present ? <TextField label="Present password" name="current_password" type="password" autoComplete="current-password" ref={focused} error={form.fields.current_password} /> : null}
      <NewPasswordField label="New password" name="password" error={form.fields.password} hints={[me.email, me.name]} />
      <div className="flex gap-2">
        <Button type="submit" busy={form.busy}>
          {present ? "Change it" : "Set it"}
        </Button>
        <Button variant="ghost" onClick={done}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

export function PasswordSection({ me, changedAt }: { me: Schema["MeView"]; changedAt: string | null }) {
  const [open, setOpen] = useState(false);
  return (
    <Section
      title="Password"
      lead={changedAt ? <>Set <RelativeTime at={changedAt} />.</> : "You have none: you sign in by mail."}
      action={
        open ? null : (
          <Button variant="secondary" size="sm" onClick={() => setOpen(true)}>
            {changedAt ? "Change" : "Set one"}
          </Button>
        )
      }
    >
      {open ? <ChangeForm me={me} present={changedAt !== null} done={() => setOpen(false)} /> : null}
    </Section>
  );
}

"use client";
import { useQueryClient } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Field, TextField } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import { toast } from "@/components/ui/toast";
import type { Schema } from "@/lib/api/client";
import { locales, timeZones } from "@/lib/locales";
import { keys } from "@/lib/query-keys";
import { text, useSubmit } from "@/lib/use-submit";
import { saveProfile } from "./api";

export function ProfileForm({ me }: { me: Schema["MeView"] }) {
  const client = useQueryClient();
  const form = useSubmit(
    (data) => saveProfile({ display_name: text(data, "display_name"), time_zone: text(data, "time_zone"), locale: text(data, "locale") }),
    (saved) => {
      client.setQueryData(keys.me(), saved);
      toast("Saved.");
    },
  );
  return (
    <form className="flex flex-col gap-5" method="post" onSubmit={form.onSubmit} noValidate>
      <div role="alert">{form.error && !Object.keys(form.fields).length ? <p className="text-danger">{form.error.message}</p> : null}</div>
      <TextField label="Display name" name="display_name" defaultValue={me.display_name} autoComplete="nickname" error={form.fields.display_name} hint="How you are called on these pages and in mail." />
      <div className="grid gap-5 sm:grid-cols-2">
        <Field label="Time zone" error={form.fields.time_zone}>
          {(wiring) => (
            <Select name="time_zone" defaultValue={me.time_zone} {...wiring}>
              {timeZones(me.time_zone).map((zone) => (
                <option key={zone}>{zone}</option>
              ))}
            </Select>
          )}
        </Field>
        <Field label="Language" error={form.fields.locale}>
          {(wiring) => (
            <Select name="locale" defaultValue={me.locale} {...wiring}>
              {locales.some((l) => l.code === me.locale) ? null : <option>{me.locale}</option>}
              {locales.map((l) => (
                <option key={l.code} value={l.code}>
                  {l.name}
                </option>
              ))}
            </Select>
          )}
        </Field>
      </div>
      <Button type="submit" busy={form.busy} className="self-start">
        Save
      </Button>
    </form>
  );
}

"use client";
import { Eye } from "lucide-react";
import { useId, useState } from "react";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field, TextareaField } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import { Switch } from "@/components/ui/switch";
import { tellTabs } from "@/lib/acting";
import { text, useSubmit } from "@/lib/use-submit";
import { impersonate, type Detail } from "./person-api";

type Terms = NonNullable<Detail["impersonation"]>;

const minutes = ({ usual_minutes: usual, most_minutes: most }: Terms) => [...new Set([5, 15, 30, 60, 120, usual, most])].filter((some) => some <= most).sort((a, b) => a - b);

function Ask({ user, terms, close }: { user: Detail; terms: Terms; close: () => void }) {
  const id = useId();
  const [changes, setChanges] = useState(false);
  const form = useSubmit(
    (data) => impersonate(user.id, { reason: text(data, "reason"), minutes: Number(text(data, "minutes")), mode: changes ? "write" : "read" }),
    (begun) => {
      tellTabs(begun.id);
      location.assign(begun.landing);
    },
  );
  return (
    <form method="post" className="flex flex-col gap-4" onSubmit={form.onSubmit} noValidate>
      <div role="alert">{form.error && !Object.keys(form.fields).length ? <p className="text-danger">{form.error.message}</p> : null}</div>
      <TextareaField label="Why" name="reason" required className="[&_textarea]:min-h-20" hint="Ten characters or more. It stands in the log." error={form.fields.reason} />
      <Field label="For how long" error={form.fields.minutes}>
        {(wiring) => (
          <Select name="minutes" defaultValue={terms.usual_minutes} {...wiring}>
            {minutes(terms).map((some) => (
              <option key={some} value={some}>
                {some} minutes
              </option>
            ))}
          </Select>
        )}
      </Field>
      <div className="flex items-start justify-between gap-4">
        <div className="flex min-w-0 flex-col gap-1">
          <label htmlFor={id} className="font-medium">
            Allow changes
          </label>
          <p id={`${id}-text`} className="text-13 text-muted">
            {changes
              ? "You can do things for them, and each is written down under your name. Their password, ways to sign in, address, data and account stay theirs alone."
              : "You look and change nothing."}
          </p>
        </div>
        <Switch id={id} aria-describedby={`${id}-text`} checked={changes} onChange={(event) => setChanges(event.target.checked)} />
      </div>
      <div className="flex flex-wrap justify-end gap-2">
        <Button variant="ghost" onClick={close}>
          Leave it
        </Button>
        <Button type="submit" busy={form.busy}>
          View as {user.display_name}
        </Button>
      </div>
    </form>
  );
}

/** The way to see the place as this person does. */
export function ViewAs({ user, terms }: { user: Detail; terms: Terms }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button variant="secondary" onClick={() => setOpen(true)}>
        <Eye aria-hidden />
        View as…
      </Button>
      <Dialog
        open={open}
        onOpenChange={setOpen}
        title={`See this place as ${user.name}?`}
        description="You stay signed in as yourself, and see what they see until you end it. They are told by mail who looked and when, and it stands in the log under your name."
      >
        <Ask user={user} terms={terms} close={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

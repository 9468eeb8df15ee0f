"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Copy } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import { Dialog } from "@/components/ui/dialog";
import { Field, TextField } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { text, useSubmit } from "@/lib/use-submit";
import { createKey, permissionsOptions } from "./api";

function Made({ secret, close }: { secret: string; close: () => void }) {
  const copy = () => void navigator.clipboard.writeText(secret).then(() => toast("Copied."), () => toast("Select and copy it by hand.", { tone: "error" }));
  return (
    <div className="flex flex-col gap-4">
      <p className="text-muted">Copy it now: it is not shown again, and nobody can look it up.</p>
      <code className="rounded-control bg-raised px-3 py-2 font-mono text-13 break-all">{secret}</code>
      <p className="text-13 text-muted">
        Send it with each request: <code className="font-mono text-12">Authorization: Bearer {secret.slice(0, 7)}…</code>
      </p>
      <div className="flex justify-end gap-2">
        <Button variant="secondary" onClick={copy}>
          <Copy aria-hidden />
          Copy
        </Button>
        <Button onClick={close}>I have it</Button>
      </div>
    </div>
  );
}

function Form({ done }: { done: (secret: string) => void }) {
  const client = useQueryClient();
  const { data } = useQuery(permissionsOptions());
  const form = useSubmit(
    (body) => {
      const days = Number(text(body, "days"));
      return createKey({ name: text(body, "name"), permissions: body.getAll("permissions").filter((one) => typeof one === "string"), ...(days ? { days } : {}) });
    },
    (made) => {
      void client.invalidateQueries({ queryKey: keys.apiKeys() });
      done(made.secret);
    },
  );
  const rest = form.error && !form.fields.name ? (form.fields.permissions ?? form.error.message) : null;
  return (
    <form method="post" className="flex flex-col gap-4" onSubmit={form.onSubmit} noValidate>
      <div role="alert">{rest ? <p className="text-danger">{rest}</p> : null}</div>
      <TextField label="Name" name="name" placeholder="Nightly report" error={form.fields.name} />
      <Field label="It works for">
        {(wiring) => (
          <Select name="days" defaultValue="90" {...wiring}>
            <option value="30">30 days</option>
            <option value="90">90 days</option>
            <option value="365">A year</option>
            <option value="0">For ever</option>
          </Select>
        )}
      </Field>
      <fieldset className="flex max-h-72 flex-col gap-2 overflow-auto">
        <legend className="mb-1.5 text-13 font-medium">It may</legend>
        {data?.items
          .filter((one) => one.held)
          .map((one) => (
            <div key={one.name} className="flex items-start gap-2.5">
              <Checkbox id={`may-${one.name}`} name="permissions" value={one.name} className="mt-0.5" />
              <label htmlFor={`may-${one.name}`} className="flex min-w-0 flex-col">
                {one.description}
                <span className="font-mono text-12 text-muted">{one.name}</span>
              </label>
            </div>
          ))}
      </fieldset>
      <Button type="submit" busy={form.busy} className="self-end">
        Make key
      </Button>
    </form>
  );
}

/** Makes a key and shows it once. */
export function NewKey({ open, close }: { open: boolean; close: () => void }) {
  const [secret, setSecret] = useState<string | null>(null);
  const leave = () => {
    setSecret(null);
    close();
  };
  return (
    <Dialog open={open} onOpenChange={(next) => (next ? null : leave())} title={secret ? "The key" : "New key"}>
      {secret ? <Made secret={secret} close={leave} /> : <Form done={setSecret} />}
    </Dialog>
  );
}

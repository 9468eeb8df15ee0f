"use client";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field, TextField } from "@/components/ui/field";
import { Switch } from "@/components/ui/switch";
import { Textarea } from "@/components/ui/textarea";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { text, useSubmit } from "@/lib/use-submit";
import { connect, type HostedProject, type Rule } from "./api";
import { Copyable } from "./copyable";
import { RulesField } from "./rules-field";

/** Names the project that is trusted, or says anew what it may. The secrets are never shown again. */
export function ConnectDialog({ open, close, project, webhookUrl }: { open: boolean; close: () => void; project: HostedProject | null; webhookUrl: string }) {
  return (
    <Dialog open={open} onOpenChange={(next) => (next ? undefined : close())} title={project ? "Change the connection" : "Connect a project"} className="w-[min(40rem,calc(100vw-2rem))]">
      {open ? <Form project={project} close={close} webhookUrl={webhookUrl} /> : null}
    </Dialog>
  );
}

function Choice({ name, on, title, children }: { name: string; on: boolean; title: string; children: string }) {
  return (
    // eslint-disable-next-line jsx-a11y/label-has-associated-control -- the switch is inside
    <label className="flex items-start justify-between gap-4">
      <span className="flex min-w-0 flex-col">
        <span className="text-13 font-medium">{title}</span>
        <span className="text-13 text-muted">{children}</span>
      </span>
      <Switch name={name} defaultChecked={on} />
    </label>
  );
}

function Form({ project, close, webhookUrl }: { project: HostedProject | null; close: () => void; webhookUrl: string }) {
  const client = useQueryClient();
  const [rules, setRules] = useState<Rule[]>(project?.roles ?? []);
  const form = useSubmit(
    (data) => {
      const key = text(data, "secret_server_key").trim();
      const secrets = text(data, "webhook_secrets").split(/\s+/).filter(Boolean);
      return connect({
        project_id: text(data, "project_id").trim(),
        api_url: text(data, "api_url").trim(),
        sign_up: data.get("sign_up") === "on",
        link_verified_email: data.get("link_verified_email") === "on",
        roles: rules,
        ...(key ? { secret_server_key: key } : {}),
        ...(secrets.length ? { webhook_secrets: secrets } : {}),
      });
    },
    () => {
      void client.invalidateQueries({ queryKey: keys.hosted.all() });
      toast(project ? "The connection is changed." : "The project is trusted. Compare both sides to bring its people in.");
      close();
    },
  );
  const atRule = Object.entries(form.fields).find(([field]) => field.startsWith("roles"))?.[1];
  const general = form.error && !Object.keys(form.fields).length ? form.error.message : null;
  return (
    <form className="flex flex-col gap-4" method="post" onSubmit={form.onSubmit} noValidate>
      <div role="alert">{general ? <p className="text-danger">{general}</p> : null}</div>
      <TextField label="Project id" name="project_id" required defaultValue={project?.project_id ?? ""} error={form.fields.project_id} autoComplete="off" spellCheck={false} />
      <TextField label="Address of its API" name="api_url" type="url" required defaultValue={project?.api_url ?? "https://api.stack-auth.com"} error={form.fields.api_url} hint="Without /api/v1." />
      <TextField
        label="Secret server key"
        name="secret_server_key"
        type="password"
        autoComplete="off"
        required={!project}
        placeholder={project ? "Kept as it is" : ""}
        error={form.fields.secret_server_key}
        hint="People and their sessions are looked up with it. Kept sealed, and shown to nobody."
      />
      <Field label="Webhook secrets" error={form.fields.webhook_secrets} hint="One a line; two while one follows the other.">
        {(wiring) => <Textarea name="webhook_secrets" rows={2} className="min-h-16 font-mono text-13" spellCheck={false} autoComplete="off" placeholder={project?.webhook_secrets ? "Kept as they are" : "whsec_…"} {...wiring} />}
      </Field>
      <div className="flex flex-col gap-1 text-13 text-muted">
        Have its webhooks sent to
        <Copyable text={webhookUrl} />
      </div>
      <Choice name="sign_up" on={project?.sign_up ?? true} title="Its people get an account here">
        Once they have proved their address there.
      </Choice>
      <Choice name="link_verified_email" on={project?.link_verified_email ?? false} title="An account here with the same proved address is theirs">
        Accounts with any right here are never linked.
      </Choice>
      <RulesField rules={rules} change={setRules} error={atRule} />
      <div className="flex justify-end gap-2">
        <Button type="button" variant="ghost" onClick={close}>
          Cancel
        </Button>
        <Button type="submit" busy={form.busy}>
          {project ? "Save" : "Connect"}
        </Button>
      </div>
    </form>
  );
}

"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Send } from "lucide-react";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { TextareaField, TextField } from "@/components/ui/field";
import { Switch } from "@/components/ui/switch";
import { toast } from "@/components/ui/toast";
import { ApiError } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";
import { publish } from "./api";
import { people } from "./audience";
import { AudienceField, toAudience, useReach, type AudienceState } from "./audience-field";

const nobody: AudienceState = { kind: "everyone", role: "member", tier: "", users: [] };

/** Writes an update. Publishing cannot be taken back, so the last question names the number of people. */
export function Composer({ prefilled }: { prefilled?: { id: string; name: string } | undefined }) {
  const router = useRouter();
  const client = useQueryClient();
  const [audience, setAudience] = useState<AudienceState>(prefilled ? { ...nobody, kind: "users", users: [prefilled] } : nobody);
  const [title, setTitle] = useState("");
  const [body, setBody] = useState("");
  const [asks, setAsks] = useState(false);
  const [label, setLabel] = useState("I will be there");
  const [confirming, setConfirming] = useState(false);
  const reach = useReach(audience);
  const target = toAudience(audience);
  const send = useMutation({
    mutationFn: () => publish({ title, body, audience: target ?? { kind: "users", users: [] }, action: asks ? { label } : null }),
    onSuccess: async (update) => {
      await client.invalidateQueries({ queryKey: keys.updates.all() });
      toast(`Published to ${people(update.counts.recipients)}.`);
      router.push(`/admin/updates/${update.id}`);
    },
    onError: () => setConfirming(false),
  });
  const error = send.error instanceof ApiError ? send.error : null;
  const fields = error?.fields ?? {};
  const general = send.isError && !Object.keys(fields).length ? (error?.message ?? "This was not published. What you wrote is still here.") : null;
  const count = reach.data?.recipients;
  return (
    <form
      className="grid items-start gap-8 md:grid-cols-[minmax(0,1fr)_18rem]"
      onSubmit={(event) => {
        event.preventDefault();
        setConfirming(true);
      }}
    >
      <div className="flex flex-col gap-5">
        <div role="alert">{general ? <p className="rounded-control bg-danger/8 px-3 py-2 text-danger">{general}</p> : null}</div>
        <TextField label="Title" name="title" required maxLength={200} value={title} onChange={(e) => setTitle(e.target.value)} error={fields.title} />
        <TextareaField
          label="What you want to say"
          name="body"
          required
          rows={10}
          value={body}
          onChange={(e) => setBody(e.target.value)}
          error={fields.body}
          hint="An empty line begins a new paragraph."
        />
      </div>
      <div className="flex flex-col gap-6 rounded-card bg-raised p-5">
        <AudienceField state={audience} change={setAudience} error={fields.audience ?? fields["audience.users"] ?? fields["audience.role"] ?? fields["audience.tier"]} />
        <div className="flex flex-col gap-3 border-t border-border pt-5">
          {/* eslint-disable-next-line jsx-a11y/label-has-associated-control -- the switch is inside */}
          <label className="flex items-center justify-between gap-3 text-13 font-medium">
            Ask for an answer
            <Switch checked={asks} onChange={(event) => setAsks(event.target.checked)} />
          </label>
          {asks ? (
            <TextField label="What the button says" name="action" required maxLength={60} value={label} onChange={(e) => setLabel(e.target.value)} error={fields["action.label"] ?? fields.action} />
          ) : null}
        </div>
        <Button type="submit" size="lg" disabled={target === null}>
          <Send aria-hidden />
          Publish
        </Button>
      </div>
      <Dialog
        open={confirming}
        onOpenChange={setConfirming}
        title={count === undefined ? "Publish this update?" : `Publish to ${people(count)}?`}
        description="They see it at once. It cannot be unsent."
        footer={
          <>
            <Button variant="ghost" onClick={() => setConfirming(false)}>
              Not yet
            </Button>
            <Button busy={send.isPending} disabled={count === 0} onClick={() => send.mutate()}>
              Publish
            </Button>
          </>
        }
      />
    </form>
  );
}

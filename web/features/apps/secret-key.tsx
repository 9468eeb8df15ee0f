"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { RelativeTime } from "@/components/relative-time";
import { Section } from "@/components/section";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { makeSecretKey, revokePreviousKey, type StackProject } from "./api";
import { Copyable } from "./copyable";

function Made({ secret, close }: { secret: string; close: () => void }) {
  return (
    <div className="flex flex-col gap-4">
      <p className="text-muted">Copy it now: it is not shown again. Keep it on servers only; whoever has it may do everything to every account.</p>
      <dl>
        <Copyable label="STACK_SECRET_SERVER_KEY" value={secret} />
      </dl>
      <Button className="self-end" onClick={close}>
        I have it
      </Button>
    </div>
  );
}

/** Makes a key, after asking, and shows it once. */
function NewKey({ open, follows, close }: { open: boolean; follows: StackProject["previous_key"]; close: () => void }) {
  const client = useQueryClient();
  const [secret, setSecret] = useState<string | null>(null);
  const make = useMutation({
    mutationFn: makeSecretKey,
    onSuccess: (made) => {
      setSecret(made.secret_server_key);
      void client.invalidateQueries({ queryKey: keys.stackProject() });
    },
    onError: (error) => toast(error.message, { tone: "error" }),
  });
  const leave = () => {
    setSecret(null);
    close();
  };
  if (secret)
    return (
      <Dialog open={open} onOpenChange={(next) => (next ? null : leave())} title="The new secret key">
        <Made secret={secret} close={leave} />
      </Dialog>
    );
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => (next ? null : leave())}
      title="Make a new secret key?"
      description={
        follows
          ? `The present key goes on working until you take it back. The one that ends with ${follows.last_four} stops working at once.`
          : "The present key goes on working until you take it back, so that your app can change over without a break."
      }
      footer={
        <>
          <Button variant="ghost" onClick={leave}>
            Not now
          </Button>
          <Button busy={make.isPending} onClick={() => make.mutate()}>
            Make key
          </Button>
        </>
      }
    />
  );
}

function TakeBack({ open, lastFour, close }: { open: boolean; lastFour: string; close: () => void }) {
  const client = useQueryClient();
  const back = useMutation({
    mutationFn: revokePreviousKey,
    onSuccess: () => {
      close();
      void client.invalidateQueries({ queryKey: keys.stackProject() });
      toast("The old key no longer works.");
    },
    onError: (error) => toast(error.message, { tone: "error" }),
  });
  return (
    <Dialog
      open={open}
      onOpenChange={(next) => (next ? null : close())}
      title="Take the old key back?"
      description={`Whatever still uses the key that ends with ${lastFour} is refused from that moment on.`}
      footer={
        <>
          <Button variant="ghost" onClick={close}>
            Keep it
          </Button>
          <Button variant="danger" busy={back.isPending} onClick={() => back.mutate()}>
            Take back
          </Button>
        </>
      }
    />
  );
}

function Key({ last, made, children }: { last: string; made: string; children?: React.ReactNode }) {
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 px-4 py-3">
      <span className="flex min-w-0 flex-col">
        <code className="font-mono text-13">ssk_…{last}</code>
        <span className="text-13 text-muted">
          Made <RelativeTime at={made} />
        </span>
      </span>
      {children}
    </li>
  );
}

/** The project's secret key: by its end only, until it is made. */
export function SecretKey({ project }: { project: StackProject }) {
  const [making, setMaking] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const previous = project.previous_key;
  return (
    <Section
      title="Secret key"
      lead="For your app's server. A key is shown once, when it is made here. If you do not have it, make a new one."
      action={
        <Button variant="secondary" onClick={() => setMaking(true)}>
          New key
        </Button>
      }
    >
      <ul className="divide-y divide-border rounded-card border border-border bg-surface">
        <Key last={project.secret_key.last_four} made={project.secret_key.made_at} />
        {previous ? (
          <Key last={previous.last_four} made={previous.made_at}>
            <Button variant="ghost" size="sm" onClick={() => setLeaving(true)}>
              Take back
            </Button>
          </Key>
        ) : null}
      </ul>
      {previous ? <p className="text-13 text-muted">Both work now. Take the old one back as soon as your app uses the new one.</p> : null}
      <NewKey open={making} follows={previous} close={() => setMaking(false)} />
      <TakeBack open={leaving} lastFour={previous?.last_four ?? ""} close={() => setLeaving(false)} />
    </Section>
  );
}

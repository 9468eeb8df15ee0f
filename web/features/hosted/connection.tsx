"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { Notice } from "@/components/notice";
import { RelativeTime } from "@/components/relative-time";
import { Section } from "@/components/section";
import { Stat } from "@/components/stat";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Dialog } from "@/components/ui/dialog";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { check, disconnect, type HostedProject, type HostedState } from "./api";
import { Copyable } from "./copyable";

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex min-w-0 flex-col gap-0.5 sm:flex-row sm:gap-4">
      <dt className="w-40 shrink-0 text-13 text-muted">{name}</dt>
      <dd className="min-w-0 text-14 break-words">{children}</dd>
    </div>
  );
}

function Check() {
  const client = useQueryClient();
  const asked = useMutation({ mutationFn: check, onSuccess: () => void client.invalidateQueries({ queryKey: keys.hosted.state() }), onError: (error) => toast(error.message, { tone: "error" }) });
  const wrong = asked.data ? [asked.data.keys, asked.data.api].filter(Boolean) : [];
  return (
    <div className="flex flex-col gap-3">
      <Button variant="secondary" size="sm" className="self-start" busy={asked.isPending} onClick={() => asked.mutate()}>
        Check the connection
      </Button>
      {asked.data ? (
        wrong.length ? (
          <Notice>It does not answer as it should: {wrong.join("; ")}. Check the address, the project and the key.</Notice>
        ) : (
          <Notice tone="success">It answers: its keys and its people can be read.</Notice>
        )
      ) : null}
    </div>
  );
}

function Leave() {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const leave = useMutation({
    mutationFn: disconnect,
    onSuccess: () => {
      setAsking(false);
      void client.invalidateQueries({ queryKey: keys.hosted.all() });
      toast("The project is no longer trusted.");
    },
    onError: (error) => toast(error.message, { tone: "error" }),
  });
  return (
    <>
      <Button variant="ghost" size="sm" onClick={() => setAsking(true)}>
        Disconnect
      </Button>
      <Dialog
        open={asking}
        onOpenChange={setAsking}
        title="Trust this project no longer?"
        description="Everybody who came in by it is signed out. Their accounts stay, and they can set a password by mail."
        footer={
          <>
            <Button variant="ghost" onClick={() => setAsking(false)}>
              Keep it
            </Button>
            <Button variant="danger" busy={leave.isPending} onClick={() => leave.mutate()}>
              Disconnect
            </Button>
          </>
        }
      />
    </>
  );
}

/** Which project it is, how it fares, and what may be done about it. */
export function Connection({ state, project, mayManage, edit }: { state: HostedState; project: HostedProject; mayManage: boolean; edit: () => void }) {
  const acts =
    mayManage && !project.from_file ? (
      <span className="flex gap-2">
        <Leave />
        <Button variant="secondary" size="sm" onClick={edit}>
          Change
        </Button>
      </span>
    ) : undefined;
  return (
    <Section title="Connection" action={acts} lead={project.from_file ? "Named in the configuration file, and changed there." : undefined}>
      <Card className="flex flex-col gap-5">
        <div className="flex flex-wrap gap-x-8 gap-y-4">
          <Stat label="People from there" value={state.people.toLocaleString("en")}>
            {state.refused ? `${state.refused.toLocaleString("en")} without an account here` : "All have an account here"}
          </Stat>
          <Stat label="Webhooks waiting" value={state.waiting.toLocaleString("en")}>
            {state.last_event_at ? (
              <>
                Last came <RelativeTime at={state.last_event_at} />
              </>
            ) : (
              "None came yet"
            )}
          </Stat>
          <Stat label="Webhooks failed" value={state.failed.toLocaleString("en")}>
            {state.failed ? "Try them again below" : "Nothing to do"}
          </Stat>
        </div>
        <dl className="flex flex-col gap-2.5">
          <Fact name="Project">
            <span className="font-mono text-13">{project.project_id}</span>
          </Fact>
          <Fact name="Address">{project.api_url}</Fact>
          <Fact name="Webhooks go to">
            <Copyable text={state.webhook_url} />
          </Fact>
          <Fact name="New people">{project.sign_up ? "Get an account here" : "Get none: only who has one is linked"}</Fact>
          <Fact name="Same proved address">{project.link_verified_email ? "Links an account here that has no rights" : "Is left alone"}</Fact>
          <Fact name="Roles by rule">{project.roles.length ? project.roles.map((rule) => `${rule.name}${rule.value ? ` = ${rule.value}` : ""} → ${rule.role}`).join(", ") : "None"}</Fact>
        </dl>
        {mayManage ? <Check /> : null}
      </Card>
    </Section>
  );
}

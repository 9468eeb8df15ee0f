"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ShieldCheck } from "lucide-react";
import { useState } from "react";
import { RelativeTime } from "@/components/relative-time";
import { Section } from "@/components/section";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { toast } from "@/components/ui/toast";
import type { Schema } from "@/lib/api/client";
import { ApiError } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";
import { enrolTotp, removeTotp, renewCodes } from "./api";
import { Enrolment } from "./enrolment";
import { RecoveryCodes } from "./recovery-codes";

type Step = { kind: "rest" } | { kind: "enrol"; enrolment: Schema["EnrolmentView"] } | { kind: "codes"; codes: string[] };

const failed = (error: Error) => {
  if (!(error instanceof ApiError && error.code === "confirmation_required")) toast(error.message, { tone: "error" });
};

function Left({ count, renew, busy }: { count: number; renew: () => void; busy: boolean }) {
  return (
    <div className="flex flex-wrap items-center justify-between gap-3 text-14">
      <span className={count < 3 ? "text-danger" : "text-muted"}>
        {count === 0 ? "No recovery code is left." : `${count} recovery ${count === 1 ? "code is" : "codes are"} left.`}
      </span>
      <Button variant="link" size="inline" busy={busy} onClick={renew}>
        Make new codes
      </Button>
    </div>
  );
}

/** The second step of a sign-in: an authenticator app and the codes for who lost it. */
export function TwoStepSection({ security }: { security: Schema["SecurityView"] }) {
  const client = useQueryClient();
  const [step, setStep] = useState<Step>({ kind: "rest" });
  const [asking, setAsking] = useState(false);
  const refresh = () => {
    void client.invalidateQueries({ queryKey: keys.ownSecurity() });
    void client.invalidateQueries({ queryKey: keys.me() });
  };
  const enrol = useMutation({ mutationFn: enrolTotp, onSuccess: (enrolment) => setStep({ kind: "enrol", enrolment }), onError: failed });
  const renew = useMutation({ mutationFn: renewCodes, onSuccess: ({ recovery_codes }) => setStep({ kind: "codes", codes: recovery_codes }), onError: failed });
  const remove = useMutation({
    mutationFn: removeTotp,
    onMutate: () => setAsking(false),
    onSuccess: () => {
      refresh();
      toast("Two-step verification is off.");
    },
    onError: failed,
  });
  const finish = () => {
    setStep({ kind: "rest" });
    refresh();
  };
  const on = security.totp_since;
  return (
    <Section
      title="Two-step verification"
      lead={
        on ? (
          <span className="flex flex-wrap items-center gap-2">
            <Badge tone="success">
              <ShieldCheck aria-hidden className="size-3.5" />
              On
            </Badge>
            <span>
              Authenticator app, since <RelativeTime at={on} />.
            </span>
          </span>
        ) : (
          "Besides your password, a code from an app on your phone. A password alone is then not enough for a stranger."
        )
      }
      action={
        step.kind !== "rest" ? null : on ? (
          <Button variant="secondary" size="sm" busy={remove.isPending} onClick={() => setAsking(true)}>
            Turn off
          </Button>
        ) : (
          <Button size="sm" busy={enrol.isPending} onClick={() => enrol.mutate()}>
            Set up
          </Button>
        )
      }
    >
      {step.kind === "enrol" ? (
        <Enrolment enrolment={step.enrolment} done={(codes) => (codes.length ? setStep({ kind: "codes", codes }) : finish())} cancel={() => setStep({ kind: "rest" })} />
      ) : step.kind === "codes" ? (
        <RecoveryCodes codes={step.codes} done={finish} />
      ) : on ? (
        <Left count={security.recovery_codes_left} busy={renew.isPending} renew={() => renew.mutate()} />
      ) : null}
      <Dialog
        open={asking}
        onOpenChange={setAsking}
        title="Turn two-step verification off?"
        description="Your password alone will sign in from then on, and your recovery codes stop working."
        footer={
          <>
            <Button variant="ghost" onClick={() => setAsking(false)}>
              Keep it on
            </Button>
            <Button variant="danger" onClick={() => remove.mutate()}>
              Turn off
            </Button>
          </>
        }
      />
    </Section>
  );
}

"use client";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { focused } from "@/lib/focus";
import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { asks, question } from "@/lib/confirm";
import { askPasskey } from "@/lib/passkeys";
import { useStore } from "@/lib/store";
import { text, useSubmit } from "@/lib/use-submit";
import { Button } from "./ui/button";
import { Dialog } from "./ui/dialog";
import { TextField } from "./ui/field";
import { Skeleton } from "./ui/skeleton";

type Method = Schema["Confirmation"];

/** The question for a passkey, and its answer. */
async function byPasskey(): Promise<void> {
  const { ceremony, options } = await unwrap(api.POST("/api/v1/passkeys/challenge"));
  const credential = (await askPasskey(options)) as Record<string, never>;
  await unwrap(api.POST("/api/v1/me/confirmation/passkey", { body: { ceremony, credential } }));
}

function Secret({ method, error }: { method: Method; error: string | undefined }) {
  if (method === "password") return <TextField label="Your password" name="secret" type="password" autoComplete="current-password" ref={focused} error={error} />;
  return (
    <TextField
      label={method === "totp" ? "Code from your authenticator app" : "Code from the mail"}
      name="secret"
      inputMode="numeric"
      autoComplete="one-time-code"
      ref={focused}
      error={error}
    />
  );
}

function Question({ methods, answer }: { methods: Method[]; answer: (confirmed: boolean) => void }) {
  const [method, setMethod] = useState<Method>(methods[0] ?? "password");
  const [mailed, setMailed] = useState(false);
  const form = useSubmit(
    (data) => unwrap(api.POST("/api/v1/me/confirmation", { body: { method, secret: text(data, "secret") } })),
    () => answer(true),
  );
  const mail = useSubmit(
    () => unwrap(api.POST("/api/v1/me/confirmation/mail")),
    () => setMailed(true),
  );
  const other = methods.find((one) => one !== method && one !== "passkey");
  const passkey = useSubmit(byPasskey, () => answer(true));
  const withPasskey = methods.includes("passkey") ? (
    <form className="flex flex-col gap-2" method="post" onSubmit={passkey.onSubmit}>
      {passkey.error ? (
        <p role="alert" className="text-14 text-danger">
          {passkey.error.message}
        </p>
      ) : null}
      <Button type="submit" variant="secondary" busy={passkey.busy}>
        Use your passkey
      </Button>
    </form>
  ) : null;
  if (method === "passkey") return withPasskey;
  if (method === "email_code" && !mailed)
    return (
      <form className="flex flex-col gap-4" method="post" onSubmit={mail.onSubmit} noValidate>
        <p className="text-14 text-muted">We send you a code by mail, and you type it here.</p>
        {mail.error ? (
          <p role="alert" className="text-14 text-danger">
            {mail.error.message}
          </p>
        ) : null}
        <Button type="submit" busy={mail.busy} className="self-end">
          Mail me a code
        </Button>
      </form>
    );
  return (
    <div className="flex flex-col gap-4">
    <form className="flex flex-col gap-4" method="post" onSubmit={form.onSubmit} noValidate>
      <Secret key={method} method={method} error={form.error?.message} />
      <div className="flex flex-wrap items-center justify-between gap-2">
        {other ? (
          <Button variant="link" size="inline" onClick={() => setMethod(other)}>
            {other === "password" ? "Use your password" : "Use your authenticator app"}
          </Button>
        ) : (
          <span />
        )}
        <span className="flex gap-2">
          <Button variant="ghost" onClick={() => answer(false)}>
            Cancel
          </Button>
          <Button type="submit" busy={form.busy}>
            Confirm
          </Button>
        </span>
      </div>
    </form>
    {withPasskey}
    </div>
  );
}

/** Asks who somebody is before what would hurt in the hands of whoever found the browser open. Opens by itself (`lib/confirm`). */
export function ConfirmIdentity() {
  const open = useStore(question, null);
  useEffect(asks, []);
  const { data } = useQuery({ queryKey: ["confirmation"], queryFn: () => unwrap(api.GET("/api/v1/me/confirmation")), enabled: open !== null, staleTime: 0 });
  return (
    <Dialog open={open !== null} onOpenChange={(next) => (next ? undefined : open?.answer(false))} title="Is it you?" description="Before this is changed, confirm that it is you. What you began goes on afterwards.">
      {open && data ? <Question methods={data.methods} answer={open.answer} /> : <Skeleton className="h-16" />}
    </Dialog>
  );
}

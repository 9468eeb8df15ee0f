"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Send } from "lucide-react";
import { useCallback, useRef, useState } from "react";
import { ErrorState } from "@/components/error-state";
import { PageHeader } from "@/components/page-header";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import { ApiError } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";
import { change, draftOf, mailOptions, reset, sendTrial, wordsOf, type Draft, type MailWords } from "./api";
import { MailFields, useCaret } from "./mail-form";
import { MailPreview } from "./mail-preview";
import { Placeholders } from "./placeholders";

/** One mail: what it says, what it may name, how it looks. */
export function MailEditor({ name, mayManage }: { name: string; mayManage: boolean }) {
  const { data: mail, isError, error, refetch } = useQuery(mailOptions(name));
  if (isError && !mail) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!mail) return <Skeleton className="h-96" />;
  return (
    <>
      <PageHeader title={mail.title}>
        {mail.when}{" "}
        {mail.changed_at ? (
          <>
            Changed by {mail.changed_by?.name ?? "somebody who left"} <RelativeTime at={mail.changed_at} />.
          </>
        ) : (
          "It says what it came with."
        )}
      </PageHeader>
      {/* What was read anew after a change is another form. */}
      <Editor key={mail.version} mail={mail} mayManage={mayManage} reload={() => void refetch()} />
    </>
  );
}

function Editor({ mail, mayManage, reload }: { mail: MailWords; mayManage: boolean; reload: () => void }) {
  const client = useQueryClient();
  const form = useRef<HTMLFormElement>(null);
  const [draft, setDraft] = useState<Draft>(() => draftOf(mail.words));
  const [fields, setFields] = useState<Readonly<Record<string, string>>>({});
  const [asking, setAsking] = useState(false);
  const { note, insert } = useCaret(draft, setDraft, form);
  const words = wordsOf(draft);
  const dirty = JSON.stringify(words) !== JSON.stringify(mail.words);
  const told = useCallback((next: Readonly<Record<string, string>>) => setFields(next), []);

  const refused = (cause: unknown) => {
    if (cause instanceof ApiError) setFields(cause.fields);
  };
  const taken = (said: string) => (next: MailWords) => {
    client.setQueryData(keys.mails.one(mail.name), next);
    void client.invalidateQueries({ queryKey: keys.mails.list() });
    setAsking(false);
    toast(said);
  };
  const save = useMutation({ mutationFn: () => change(mail.name, mail.version, words), onSuccess: taken("Saved. The next mail says this."), onError: refused });
  const back = useMutation({
    mutationFn: () => reset(mail.name, mail.version),
    onSuccess: taken("It says what it came with."),
    onError: (cause) => {
      setAsking(false);
      toast(cause.message, { tone: "error" });
    },
  });
  const trial = useMutation({
    mutationFn: () => sendTrial(mail.name, words),
    onSuccess: () => toast("Sent to your address, with examples in it."),
    onError: (cause) => {
      refused(cause);
      toast(cause.message, { tone: "error" });
    },
  });
  const failure = save.error instanceof ApiError && !Object.keys(save.error.fields).length ? save.error : null;
  return (
    <div className="grid items-start gap-x-10 gap-y-8 min-[1180px]:grid-cols-2">
      <form
        ref={form}
        method="post"
        className="flex min-w-0 flex-col gap-5"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (!save.isPending) save.mutate();
        }}
      >
        <MailFields draft={draft} fields={fields} change={setDraft} note={note} readOnly={!mayManage}>
          <Placeholders mail={mail} insert={mayManage ? insert : null} />
        </MailFields>
        <div role="alert">
          {failure ? (
            <p className="flex flex-wrap items-baseline gap-x-3 text-14 text-danger">
              {failure.message}
              {failure.code === "changed_meanwhile" ? (
                <Button variant="link" size="inline" onClick={reload}>
                  Load it anew
                </Button>
              ) : null}
            </p>
          ) : null}
        </div>
        {mayManage ? (
          <div className="flex flex-wrap items-center gap-2">
            <Button type="submit" busy={save.isPending} disabled={!dirty}>
              Save
            </Button>
            <Button variant="secondary" busy={trial.isPending} onClick={() => trial.mutate()}>
              <Send aria-hidden />
              Send it to me
            </Button>
            {dirty ? (
              <Button variant="ghost" onClick={() => setDraft(draftOf(mail.words))}>
                Discard changes
              </Button>
            ) : null}
            {mail.changed_at ? (
              <Button variant="ghost" className="ml-auto" onClick={() => setAsking(true)}>
                Back to what it came with
              </Button>
            ) : null}
          </div>
        ) : (
          <p className="text-14 text-muted">Whoever runs the system may change it.</p>
        )}
      </form>
      <MailPreview name={mail.name} words={words} faults={told} />
      <Dialog
        open={asking}
        onOpenChange={setAsking}
        title="Back to what it came with?"
        description="Your words are taken away. The activity log keeps them."
        footer={
          <>
            <Button variant="ghost" onClick={() => setAsking(false)}>
              Keep them
            </Button>
            <Button variant="danger" busy={back.isPending} onClick={() => back.mutate()}>
              Take them away
            </Button>
          </>
        }
      />
    </div>
  );
}

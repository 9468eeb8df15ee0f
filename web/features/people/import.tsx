"use client";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { FileUp } from "lucide-react";
import Link from "next/link";
import { useEffect, useState } from "react";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { Progress } from "@/components/ui/progress";
import { keys } from "@/lib/query-keys";
import { useSubmit } from "@/lib/use-submit";
import { importOptions, stage, type Import, type Staged } from "./import-api";
import { ImportColumns } from "./import-columns";
import { ImportOutcome } from "./import-outcome";

function Send({ sent }: { sent: (staged: Staged) => void }) {
  const form = useSubmit((data) => {
    const file = data.get("file");
    return stage(file instanceof File ? file : new File([], "nothing.csv"));
  }, sent);
  return (
    <form method="post" className="flex max-w-md flex-col gap-4" onSubmit={form.onSubmit} noValidate>
      <Field label="CSV file" hint="Up to 100,000 people and 25 MB. The first line names the columns." error={form.fields.file ?? (form.error ? form.error.message : undefined)}>
        {(wiring) => <Input type="file" name="file" accept=".csv,text/csv,.txt" className="h-auto py-1.5 file:mr-3 file:rounded-chip file:border-0 file:bg-raised file:px-3 file:py-1 file:text-ink" {...wiring} />}
      </Field>
      <Button type="submit" busy={form.busy} className="self-start">
        <FileUp aria-hidden />
        Look at it
      </Button>
    </form>
  );
}

/** How far it has come; it goes on when the page is left. */
function Running({ id, over }: { id: string; over: (done: Import) => void }) {
  const client = useQueryClient();
  const { data } = useQuery({ ...importOptions(id), refetchInterval: 700 });
  const done = data && data.state !== "running" ? data : null;
  useEffect(() => {
    if (!done) return;
    void client.invalidateQueries({ queryKey: keys.users.all() });
    over(done);
  }, [client, done, over]);
  return (
    <section aria-label="Progress" className="flex max-w-md flex-col gap-2">
      <p role="status" className="tabular-nums">
        Taking over: {(data?.through ?? 0).toLocaleString("en")} of {data?.good?.toLocaleString("en") ?? "them"}. All of them come, or none.
      </p>
      <Progress value={data?.through ?? 0} max={data?.good ?? 1} label="Taken over so far" />
      <p className="text-13 text-muted">It goes on when you leave this page.</p>
    </section>
  );
}

/** A file of people: sent, looked at, taken over. */
export function ImportPeople() {
  const [staged, setStaged] = useState<Staged | null>(null);
  const [state, setState] = useState<Import | null>(null);
  const again = () => {
    setStaged(null);
    setState(null);
  };
  if (!staged || !state)
    return (
      <Send
        sent={(next) => {
          setStaged(next);
          setState(next.import);
        }}
      />
    );
  if (state.state === "running") return <Running id={state.id} over={setState} />;
  if (state.state === "done")
    return (
      <section aria-label="Done" className="flex flex-col items-start gap-4">
        <p className="text-16" role="status">
          {(state.made ?? 0).toLocaleString("en")} {state.made === 1 ? "person is" : "people are"} here now{state.invite ? ", and each gets a mail with a link." : ". Nobody was mailed."}
        </p>
        <div className="flex flex-wrap gap-2">
          <Button asChild>
            <Link href="/admin/users?status=invited">See them</Link>
          </Button>
          <Button variant="secondary" onClick={again}>
            Another file
          </Button>
        </div>
      </section>
    );
  return (
    <div className="flex flex-col gap-8">
      <p className="text-muted">
        <strong className="font-medium text-ink">{state.file_name}</strong>, {state.rows.toLocaleString("en")} {state.rows === 1 ? "person" : "people"}.{" "}
        <button type="button" className="text-primary underline-offset-4 hover:underline" onClick={again}>
          Choose another
        </button>
      </p>
      <ImportColumns staged={staged} checked={setState} />
      {state.state === "checked" ? <ImportOutcome state={state} running={setState} /> : null}
    </div>
  );
}

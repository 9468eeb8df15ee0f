"use client";
import { useQueryClient } from "@tanstack/react-query";
import { ChevronDown } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { DropdownMenu, DropdownMenuContent, DropdownMenuItem, DropdownMenuTrigger } from "@/components/ui/dropdown-menu";
import { TextareaField } from "@/components/ui/field";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { text, useSubmit } from "@/lib/use-submit";
import { ACTS, type Act, type ActKey } from "./person-acts";
import { restore, type Detail } from "./person-api";

const ORDER: readonly ActKey[] = ["suspend", "restore", "signOut", "password", "secondFactor", "remove"];

function Ask({ act, user, close }: { act: Act; user: Detail; close: () => void }) {
  const client = useQueryClient();
  const again = () => client.invalidateQueries({ queryKey: keys.users.all() });
  const form = useSubmit(
    (data) => act.run(user.id, text(data, "reason")),
    () => {
      close();
      void again();
      const undo = { label: "Undo", run: () => void restore(user.id).then(again, () => toast("It could not be taken back. Look at their page.", { tone: "error" })) };
      toast(act.done(user.name), act.undo ? { action: undo } : {});
    },
  );
  return (
    <form method="post" className="flex flex-col gap-4" onSubmit={form.onSubmit} noValidate>
      <div role="alert">{form.error && !form.fields.reason ? <p className="text-danger">{form.error.message}</p> : null}</div>
      {act.reason ? <TextareaField label="Why" name="reason" required className="[&_textarea]:min-h-20" hint="Other staff read this, and it stands in the log." error={form.fields.reason} /> : null}
      <div className="flex flex-wrap justify-end gap-2">
        <Button variant="ghost" onClick={close}>
          Leave it
        </Button>
        <Button type="submit" variant={act.danger ? "danger" : "primary"} busy={form.busy}>
          {act.label}
        </Button>
      </div>
    </form>
  );
}

/** What may be done about this person. What may not is not here. */
export function PersonActions({ user }: { user: Detail }) {
  const [asked, setAsked] = useState<ActKey | null>(null);
  const possible = ORDER.filter((key) => ACTS[key].when(user));
  const first = possible.find((key) => key === "restore") ?? possible[0];
  const act: Act | null = asked ? ACTS[asked] : null;
  if (!first) return null;
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Button variant="secondary" onClick={() => setAsked(first)}>
        {ACTS[first].label}
      </Button>
      <DropdownMenu>
        <DropdownMenuTrigger asChild>
          <Button variant="secondary">
            More
            <ChevronDown aria-hidden />
          </Button>
        </DropdownMenuTrigger>
        <DropdownMenuContent>
          {possible
            .filter((key) => key !== first)
            .map((key) => (
              <DropdownMenuItem key={key} onSelect={() => setAsked(key)} className={"danger" in ACTS[key] ? "text-danger" : ""}>
                {ACTS[key].label}
              </DropdownMenuItem>
            ))}
        </DropdownMenuContent>
      </DropdownMenu>
      <Dialog open={act !== null} onOpenChange={(open) => (open ? null : setAsked(null))} title={act?.title(user.name) ?? ""} description={act?.text}>
        {act ? <Ask act={act} user={user} close={() => setAsked(null)} /> : null}
      </Dialog>
    </div>
  );
}

"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Bookmark, Trash2, Users } from "lucide-react";
import Link from "next/link";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import { Dialog } from "@/components/ui/dialog";
import { TextField } from "@/components/ui/field";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { text, useSubmit } from "@/lib/use-submit";
import { removeView, saveView, viewsOptions, type SavedView } from "./bulk-api";

function Row({ view, close }: { view: SavedView; close: () => void }) {
  const client = useQueryClient();
  const gone = useMutation({
    mutationFn: () => removeView(view.id),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: keys.users.views() });
      toast(`${view.title} is removed.`, { action: { label: "Undo", run: () => void saveView({ title: view.title, query: view.query, shared: view.shared }).then(() => client.invalidateQueries({ queryKey: keys.users.views() })) } });
    },
    onError: (error) => toast(error.message, { tone: "error" }),
  });
  return (
    <li className="flex items-center gap-2 border-b border-border py-1 last:border-b-0">
      <Link href={`/admin/users?${view.query}`} onClick={close} className="flex min-w-0 grow flex-col rounded-control px-1 py-1 hover:bg-raised">
        <span className="truncate font-medium">{view.title}</span>
        {view.shared ? (
          <span className="flex items-center gap-1 text-13 text-muted">
            <Users aria-hidden className="size-3.5" />
            {view.own ? "Shared with staff" : `Shared by ${view.owner}`}
          </span>
        ) : null}
      </Link>
      {view.own ? (
        <Button variant="ghost" size="iconSm" aria-label={`Remove the view ${view.title}`} busy={gone.isPending} onClick={() => gone.mutate()}>
          <Trash2 aria-hidden />
        </Button>
      ) : null}
    </li>
  );
}

/** Views of the list that are kept: filter, order and columns under a name. */
export function ViewsMenu({ query }: { query: string }) {
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const { data } = useQuery({ ...viewsOptions(), enabled: open });
  const form = useSubmit(
    (body) => saveView({ title: text(body, "title"), query, shared: body.get("shared") === "on" }),
    (saved) => {
      setOpen(false);
      void client.invalidateQueries({ queryKey: keys.users.views() });
      toast(`${saved.title} is kept under Views.`);
    },
  );
  return (
    <>
      <Button variant="ghost" size="sm" onClick={() => setOpen(true)}>
        <Bookmark aria-hidden />
        Views
      </Button>
      <Dialog open={open} onOpenChange={setOpen} title="Views" description={data?.items.length ? undefined : "Keep what you look for often: the filter, the order and the columns, under a name."}>
        {data?.items.length ? (
          <ul aria-label="Kept views">
            {data.items.map((view) => (
              <Row key={view.id} view={view} close={() => setOpen(false)} />
            ))}
          </ul>
        ) : null}
        <form method="post" className="flex flex-col gap-3" onSubmit={form.onSubmit} noValidate>
          <TextField label="Keep what is shown now as" name="title" error={form.fields.title ?? (form.error ? form.error.message : undefined)} placeholder="Suspended this month" />
          <div className="flex flex-wrap items-center justify-between gap-3">
            <label className="flex items-center gap-2.5">
              <Checkbox name="shared" />
              Other staff see it too
            </label>
            <Button type="submit" size="sm" busy={form.busy}>
              Keep view
            </Button>
          </div>
        </form>
      </Dialog>
    </>
  );
}

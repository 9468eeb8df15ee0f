"use client";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useRef } from "react";
import { ErrorState } from "@/components/error-state";
import { More } from "@/components/more";
import { RelativeTime } from "@/components/relative-time";
import { Button } from "@/components/ui/button";
import { TextareaField } from "@/components/ui/field";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import { keys } from "@/lib/query-keys";
import { text, useSubmit } from "@/lib/use-submit";
import { addNote, deleteNote, notesOptions } from "./person-api";

/** What staff note about somebody, for each other. */
export function PersonNotes({ id }: { id: string }) {
  const client = useQueryClient();
  const ref = useRef<HTMLFormElement>(null);
  const list = useInfiniteQuery(notesOptions(id));
  const again = () => client.invalidateQueries({ queryKey: keys.users.notes(id) });
  const form = useSubmit(
    (data) => addNote(id, text(data, "body")),
    () => {
      ref.current?.reset();
      void again();
    },
  );
  const gone = useMutation({ mutationFn: (note: string) => deleteNote(id, note), onSuccess: again, onError: (error) => toast(error.message, { tone: "error" }) });
  if (list.isError && !list.data) return <ErrorState error={list.error} retry={() => void list.refetch()} />;
  const notes = list.data?.pages.flatMap((page) => page.items);
  return (
    <section aria-label="Notes" className="flex flex-col gap-3">
      <h2 className="text-14 font-semibold">Notes</h2>
      <form ref={ref} method="post" className="flex flex-col gap-2" onSubmit={form.onSubmit} noValidate>
        <TextareaField label="A note for other staff" name="body" className="[&_label]:sr-only [&_textarea]:min-h-16 [&_textarea]:text-14" placeholder="A note for other staff" error={form.fields.body ?? (form.error ? form.error.message : undefined)} />
        <Button type="submit" variant="secondary" size="sm" className="self-end" busy={form.busy}>
          Keep note
        </Button>
      </form>
      <ul aria-busy={!notes}>
        {notes?.map((note) => (
          <li key={note.id} className="group flex flex-col gap-1 border-t border-border py-3">
            <p className="break-words whitespace-pre-wrap">{note.body}</p>
            <p className="flex items-center gap-1 text-13 text-muted">
              {note.author?.name ?? "Somebody who left"}, <RelativeTime at={note.created_at} />
              <Button variant="ghost" size="inline" className="ml-auto size-7" aria-label="Remove this note" busy={gone.isPending && gone.variables === note.id} onClick={() => gone.mutate(note.id)}>
                <Trash2 aria-hidden />
              </Button>
            </p>
          </li>
        ))}
        {notes ? null : <Skeleton className="h-12" />}
      </ul>
      <More list={list} variant="ghost" size="sm" className="self-start">Earlier notes</More>
    </section>
  );
}

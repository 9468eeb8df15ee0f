"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { Avatar } from "@/components/ui/avatar";
import { Button } from "@/components/ui/button";
import { toast } from "@/components/ui/toast";
import { useMe } from "@/components/shell/use-me";
import type { Schema } from "@/lib/api/client";
import { ApiError } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";
import { removePicture, setPicture } from "./api";

const said = (cause: unknown) => {
  const error = cause instanceof ApiError ? cause : null;
  toast(error?.fields.file ?? error?.message ?? "The picture was not changed. Try again.", { tone: "error" });
};

/** The picture of whoever is signed in. The server crops it and takes off what cannot be seen. */
export function Picture({ me: initial }: { me: Schema["MeView"] }) {
  const me = useMe(initial);
  const client = useQueryClient();
  const input = useRef<HTMLInputElement>(null);
  const done = (words: string) => async () => {
    await client.invalidateQueries({ queryKey: keys.me() });
    toast(words);
  };
  const set = useMutation({ mutationFn: setPicture, onSuccess: done("This is you now."), onError: said });
  const remove = useMutation({ mutationFn: removePicture, onSuccess: done("Your initials stand for you again."), onError: said });
  return (
    <div className="flex items-center gap-5" data-slot="picture">
      <Avatar id={me.id} name={me.display_name} picture={me.picture} size="xl" />
      <div className="flex min-w-0 flex-col gap-2">
        <div className="flex flex-wrap gap-2">
          <input
            ref={input}
            id="picture"
            type="file"
            accept="image/jpeg,image/png,image/webp"
            className="sr-only"
            tabIndex={-1}
            aria-label="Picture"
            onChange={(event) => {
              const [file] = event.target.files ?? [];
              if (file) set.mutate(file);
              event.target.value = "";
            }}
          />
          <Button variant="secondary" busy={set.isPending} onClick={() => input.current?.click()}>
            {me.picture ? "Change the picture" : "Add a picture"}
          </Button>
          {me.picture ? (
            <Button variant="ghost" busy={remove.isPending} onClick={() => remove.mutate()}>
              Remove
            </Button>
          ) : null}
        </div>
        <p className="text-13 text-muted">JPEG, PNG or WebP, up to 5 MB. Where and with what it was taken is removed.</p>
      </div>
    </div>
  );
}

"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { ErrorState } from "@/components/error-state";
import { RelativeTime } from "@/components/relative-time";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import type { Schema } from "@/lib/api/client";
import { ApiError } from "@/lib/api/problem";
import { createPasskey, Declined, passkeysKnown, thisDevice } from "@/lib/passkeys";
import { keys } from "@/lib/query-keys";
import { addPasskey, askForPasskey, passkeysOptions } from "./api";
import { RemovePasskey, RenamePasskey } from "./passkey-dialogs";

type Key = Schema["PasskeyView"];

function Row({ passkey, act }: { passkey: Key; act: (what: "rename" | "remove") => void }) {
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-border py-4 last:border-b-0" data-row={passkey.id}>
      <KeyRound aria-hidden className="size-5 shrink-0 text-muted" />
      <span className="flex min-w-0 grow basis-40 flex-col">
        <span className="flex flex-wrap items-center gap-2 font-medium">
          <span className="min-w-0 break-words">{passkey.name}</span>
          {passkey.synced ? <Badge>Synced</Badge> : null}
        </span>
        <span className="text-13 text-muted">
          {passkey.last_used_at ? (
            <>
              Last used <RelativeTime at={passkey.last_used_at} />
            </>
          ) : (
            <>
              Added <RelativeTime at={passkey.created_at} />, not used yet
            </>
          )}
        </span>
      </span>
      <span className="flex gap-2 max-sm:ml-9">
        <Button variant="ghost" size="sm" aria-label={`Rename ${passkey.name}`} onClick={() => act("rename")}>
          Rename
        </Button>
        <Button variant="secondary" size="sm" aria-label={`Remove ${passkey.name}`} onClick={() => act("remove")}>
          Remove
        </Button>
      </span>
    </li>
  );
}

/** The passkeys of whoever is signed in: adding, naming, removing. */
export function Passkeys() {
  const client = useQueryClient();
  const { data, isError, error, refetch } = useQuery(passkeysOptions());
  const [acting, setActing] = useState<{ what: "rename" | "remove"; passkey: Key } | null>(null);
  const add = useMutation({
    mutationFn: async () => {
      if (!passkeysKnown()) throw new ApiError(0, "passkeys_unavailable", "This browser knows no passkeys.");
      const asked = await askForPasskey();
      return addPasskey(asked.ceremony, await createPasskey(asked.options), thisDevice());
    },
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: keys.passkeys() });
      setActing({ what: "rename", passkey: made });
    },
    onError: (cause) => {
      if (cause instanceof Declined) return;
      toast(cause instanceof ApiError ? cause.message : "The passkey was not added. Try again.", { tone: "error" });
    },
  });
  if (isError && !data) return <ErrorState error={error} retry={() => void refetch()} />;
  return (
    <div className="flex flex-col gap-4" data-slot="passkeys">
      {data?.items.length === 0 ? (
        <p className="rounded-card border border-dashed border-border px-4 py-5 text-14 text-muted">
          {data.available
            ? "You have no passkey yet. Add one, and this device’s fingerprint, face or PIN signs you in: nothing to remember, nothing to steal."
            : "Passkeys work once this place has an address with a name and https. On this machine, open it as localhost."}
        </p>
      ) : (
        <ul aria-busy={!data} className="border-y border-border">
          {data ? (
            data.items.map((passkey) => <Row key={passkey.id} passkey={passkey} act={(what) => setActing({ what, passkey })} />)
          ) : (
            <li className="py-4">
              <Skeleton className="h-10" />
            </li>
          )}
        </ul>
      )}
      {data?.available ? (
        <Button variant="secondary" className="self-start" busy={add.isPending} onClick={() => add.mutate()}>
          <Plus aria-hidden />
          Add a passkey
        </Button>
      ) : null}
      <RenamePasskey passkey={acting?.what === "rename" ? acting.passkey : null} close={() => setActing(null)} />
      <RemovePasskey passkey={acting?.what === "remove" ? acting.passkey : null} close={() => setActing(null)} />
    </div>
  );
}

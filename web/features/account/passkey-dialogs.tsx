"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { TextField } from "@/components/ui/field";
import { toast } from "@/components/ui/toast";
import type { Schema } from "@/lib/api/client";
import { ApiError } from "@/lib/api/problem";
import { keys } from "@/lib/query-keys";
import { text, useSubmit } from "@/lib/use-submit";
import { removePasskey, renamePasskey } from "./api";

interface Props {
  passkey: Schema["PasskeyView"] | null;
  close: () => void;
}

/** What its owner calls it. Asked right after it was made, so that two can be told apart later. */
export function RenamePasskey({ passkey, close }: Props) {
  return (
    <Dialog
      open={passkey !== null}
      onOpenChange={(open) => (open ? undefined : close())}
      title={passkey?.last_used_at ? "Rename this passkey" : "Name this passkey"}
      description="By the device or the password manager that holds it."
    >
      {passkey ? <Naming key={passkey.id} passkey={passkey} close={close} /> : null}
    </Dialog>
  );
}

function Naming({ passkey, close }: { passkey: Schema["PasskeyView"]; close: () => void }) {
  const client = useQueryClient();
  const form = useSubmit(
    (data) => renamePasskey(passkey.id, text(data, "name")),
    (saved) => {
      void client.invalidateQueries({ queryKey: keys.passkeys() });
      toast(`${saved.name} is one of your passkeys.`);
      close();
    },
  );
  return (
    <form className="flex flex-col gap-4" method="post" onSubmit={form.onSubmit} noValidate>
      <TextField label="Name" name="name" defaultValue={passkey.name} maxLength={100} autoComplete="off" error={form.fields.name ?? (form.error && !Object.keys(form.fields).length ? form.error.message : undefined)} />
      <div className="flex justify-end gap-2">
        <Button variant="ghost" onClick={close}>
          Cancel
        </Button>
        <Button type="submit" busy={form.busy}>
          Save
        </Button>
      </div>
    </form>
  );
}

export function RemovePasskey({ passkey, close }: Props) {
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: (key: Schema["PasskeyView"]) => removePasskey(key.id),
    onSuccess: async (_, key) => {
      close();
      await client.invalidateQueries({ queryKey: keys.passkeys() });
      toast(`${key.name} no longer signs you in.`);
    },
    onError: (cause) => {
      close();
      toast(cause instanceof ApiError ? cause.message : "It was not removed. Try again.", { tone: "error" });
    },
  });
  return (
    <Dialog
      open={passkey !== null}
      onOpenChange={(open) => (open ? undefined : close())}
      title={`Remove ${passkey?.name ?? ""}?`}
      description="It no longer signs you in here. Afterwards, remove it from the device or password manager too, so that it is not offered."
      footer={
        <>
          <Button variant="ghost" onClick={close}>
            Keep it
          </Button>
          <Button variant="danger" busy={remove.isPending} onClick={() => passkey && remove.mutate(passkey)}>
            Remove
          </Button>
        </>
      }
    />
  );
}

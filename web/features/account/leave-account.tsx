"use client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { ErrorState } from "@/components/error-state";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { TextField } from "@/components/ui/field";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import { ApiError } from "@/lib/api/problem";
import { leave, leaveOptions } from "./api";

/** What goes, what stays, and the way out; nobody leaves by a slip of the hand. */
export function LeaveAccount({ email }: { email: string }) {
  const { data, isError, error, refetch } = useQuery(leaveOptions());
  const [asking, setAsking] = useState(false);
  const [typed, setTyped] = useState("");
  const go = useMutation({
    mutationFn: leave,
    onSuccess: () => location.assign("/goodbye"),
    onError: (cause) => {
      setAsking(false);
      toast(cause instanceof ApiError ? cause.message : "Your account is still here: the server could not be reached.", { tone: "error" });
    },
  });
  if (isError && !data) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton className="h-32" />;
  const same = typed.trim().toLowerCase() === email.toLowerCase();
  return (
    <div className="flex flex-col gap-4" data-slot="leave">
      <ul className="flex list-disc flex-col gap-1.5 pl-5 text-14 marker:text-muted">
        <li>Every device is signed out at once, and nobody can use the account.</li>
        <li>
          For {data.days} days it waits. Sign in within them, and all is as it was.
        </li>
        <li>After that, your name, address, picture, files, ways to sign in and what you have read are erased for good.</li>
        <li>
          <span className="font-medium">What stays:</span> invoices and payments, as long as tax law asks for them; the record of who did what, which keeps a number in place of your name; and what you
          wrote for others, without your name.
        </li>
      </ul>
      {data.allowed ? (
        <Button variant="danger" className="self-start" onClick={() => setAsking(true)}>
          Delete my account
        </Button>
      ) : (
        <p className="rounded-card bg-raised px-4 py-3 text-14">You are the only owner of this place. Make somebody else an owner first; then you can leave.</p>
      )}
      <Dialog
        open={asking}
        onOpenChange={(open) => {
          setAsking(open);
          setTyped("");
        }}
        title="Delete your account?"
        description={`You are signed out at once. For ${data.days} days, signing in takes it back.`}
        footer={
          <>
            <Button variant="ghost" onClick={() => setAsking(false)}>
              Keep it
            </Button>
            <Button variant="danger" busy={go.isPending} disabled={!same} onClick={() => go.mutate()}>
              Delete my account
            </Button>
          </>
        }
      >
        <TextField label={`Type ${email} to go on`} name="confirm" autoComplete="off" value={typed} onChange={(event) => setTyped(event.target.value)} />
      </Dialog>
    </div>
  );
}

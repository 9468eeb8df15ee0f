"use client";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { ApiError } from "@/lib/api/problem";
import { removeDemo } from "./api";

/** Removes the demonstration members and their updates. Your own accounts and what they wrote stay. */
export function DemoRemoval() {
  const [asking, setAsking] = useState(false);
  const remove = useMutation({ mutationFn: removeDemo, onSuccess: () => location.assign("/admin") });
  return (
    <div className="flex flex-wrap items-center justify-between gap-4 rounded-card bg-raised p-5">
      <div className="flex max-w-prose flex-col gap-1">
        <h2 className="text-16 font-semibold">Demonstration data is loaded</h2>
        <p className="text-muted">While it is there, Portico listens on this machine only. Your own accounts stay when it goes.</p>
      </div>
      <Button variant="secondary" onClick={() => setAsking(true)}>
        Remove it
      </Button>
      <Dialog
        open={asking}
        onOpenChange={setAsking}
        title="Remove the demonstration data?"
        description="Its members, updates and receipts go for good. If you are signed in as one of them, you are signed out."
        footer={
          <>
            {remove.isError ? (
              <p role="alert" className="w-full text-danger">
                {remove.error instanceof ApiError ? remove.error.message : "Nothing was removed."}
              </p>
            ) : null}
            <Button variant="ghost" onClick={() => setAsking(false)}>
              Keep it
            </Button>
            <Button variant="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
              Remove
            </Button>
          </>
        }
      />
    </div>
  );
}

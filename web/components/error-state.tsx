"use client";
import { RotateCw } from "lucide-react";
import { ApiError } from "@/lib/api/problem";
import { EmptyState } from "./empty-state";
import { Button } from "./ui/button";

/** What happened, what was kept, and what to do. */
export function ErrorState({ error, retry }: { error: unknown; retry: () => void }) {
  const known = error instanceof ApiError ? error : null;
  return (
    <div role="alert">
      <EmptyState
        scene="lost"
        title={known?.status === 403 ? "Your role does not include this" : "This could not be loaded"}
        action={
          <Button variant="secondary" onClick={retry}>
            <RotateCw aria-hidden />
            Try again
          </Button>
        }
      >
        {known?.message ?? "Nothing was changed. Try again in a moment."}
        {known?.requestId ? <span className="mt-2 block font-mono text-12">{known.requestId}</span> : null}
      </EmptyState>
    </div>
  );
}

"use client";
import { ArrowUp } from "lucide-react";
import { Button } from "./ui/button";

/** New rows wait here instead of pushing what is being read. The place is kept, so that nothing moves when they come. */
export function NewRows({ count, show }: { count: number; show: () => void }) {
  return (
    <span className="inline-flex h-8 items-center" aria-live="polite">
      {count > 0 ? (
        <Button variant="ghost" size="sm" className="text-accent-ink" data-slot="new-rows" onClick={show}>
          <ArrowUp aria-hidden />
          {count} new
        </Button>
      ) : null}
    </span>
  );
}

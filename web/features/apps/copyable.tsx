"use client";
import { Copy } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "@/components/ui/button";
import { toast } from "@/components/ui/toast";

/** A button that puts a text where it can be pasted from. */
export function CopyButton({ value, what }: { value: string; what: string }) {
  const copy = () =>
    void navigator.clipboard.writeText(value).then(
      () => toast("Copied."),
      () => toast("Select and copy it by hand.", { tone: "error" }),
    );
  return (
    <Button variant="ghost" size="icon" aria-label={`Copy ${what}`} onClick={copy}>
      <Copy aria-hidden />
    </Button>
  );
}

/** What is given to a program: its name, its text, and a way to take it along. */
export function Copyable({ label, value, hint }: { label: string; value: string; hint?: ReactNode }) {
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <dt className="text-13 font-medium">{label}</dt>
      <dd className="flex min-w-0 items-center gap-1 rounded-control bg-raised pl-3">
        <code className="min-w-0 grow py-2 font-mono text-13 break-all">{value}</code>
        <CopyButton value={value} what={label} />
      </dd>
      {hint ? <dd className="text-13 text-muted">{hint}</dd> : null}
    </div>
  );
}

/** Several lines of a file, to be taken along whole. */
export function Lines({ label, value }: { label: string; value: string }) {
  return (
    <figure className="flex min-w-0 flex-col gap-1">
      <figcaption className="text-13 font-medium">{label}</figcaption>
      <div className="flex min-w-0 items-start gap-1 rounded-control bg-raised pl-3">
        <pre className="min-w-0 grow py-2.5 font-mono text-13 break-all whitespace-pre-wrap">{value}</pre>
        <CopyButton value={value} what={label} />
      </div>
    </figure>
  );
}

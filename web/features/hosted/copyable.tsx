"use client";
import { Copy } from "lucide-react";
import { Button } from "@/components/ui/button";
import { toast } from "@/components/ui/toast";

/** Something to be typed in elsewhere. */
export function Copyable({ text }: { text: string }) {
  const copy = () => void navigator.clipboard.writeText(text).then(() => toast("Copied."), () => toast("Select and copy it by hand.", { tone: "error" }));
  return (
    <span className="flex min-w-0 items-center gap-1.5">
      <code className="min-w-0 font-mono text-13 break-all">{text}</code>
      <Button variant="ghost" size="iconSm" aria-label="Copy the address" onClick={copy}>
        <Copy aria-hidden />
      </Button>
    </span>
  );
}

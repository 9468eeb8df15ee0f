"use client";
import { Copy, Download } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import { toast } from "@/components/ui/toast";

function save(codes: string[]): void {
  const url = URL.createObjectURL(new Blob([`Recovery codes for ${location.host}. Each works once.\n\n${codes.join("\n")}\n`], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `recovery-codes-${location.hostname}.txt`;
  link.click();
  URL.revokeObjectURL(url);
}

/** The codes, this once: they can be left only by saying that they are kept. */
export function RecoveryCodes({ codes, done }: { codes: string[]; done: () => void }) {
  const [kept, setKept] = useState(false);
  const copy = () =>
    navigator.clipboard.writeText(codes.join("\n")).then(
      () => toast("Copied."),
      () => toast("The browser did not let us copy. Write them down, or download them.", { tone: "error" }),
    );
  return (
    <div className="flex flex-col gap-4" data-slot="recovery-codes">
      <p className="text-14">
        <strong className="font-medium">Keep these ten recovery codes</strong> where you keep important papers or in a password manager. Each signs you in once if you lose your authenticator app. They are not shown again.
      </p>
      <ol className="grid grid-cols-2 gap-x-6 gap-y-1.5 rounded-card bg-raised p-4 font-mono text-13 max-sm:grid-cols-1">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ol>
      <div className="flex flex-wrap gap-2">
        <Button variant="secondary" size="sm" onClick={() => void copy()}>
          <Copy aria-hidden />
          Copy
        </Button>
        <Button variant="secondary" size="sm" onClick={() => save(codes)}>
          <Download aria-hidden />
          Download
        </Button>
      </div>
      <label className="flex items-center gap-2.5 text-14">
        <Checkbox checked={kept} onChange={(event) => setKept(event.target.checked)} />I have kept them
      </label>
      <Button className="self-start" disabled={!kept} onClick={done}>
        Done
      </Button>
    </div>
  );
}

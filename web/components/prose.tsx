import { cn } from "@/lib/cn";

/** Written words as paragraphs: an empty line parts them, a line break stays one. Nothing in them is read as markup. */
export function Prose({ text, className }: { text: string; className?: string }) {
  const parts = text.split(/\n{2,}/).filter((p) => p.trim());
  return (
    <div className={cn("flex max-w-[66ch] flex-col gap-4 text-16 break-words whitespace-pre-line", className)}>
      {parts.map((part, i) => (
        <p key={i}>{part}</p>
      ))}
    </div>
  );
}

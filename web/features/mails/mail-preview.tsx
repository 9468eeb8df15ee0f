"use client";
import { useEffect, useRef, useState } from "react";
import { Skeleton } from "@/components/ui/skeleton";
import { cn } from "@/lib/cn";
import { ApiError } from "@/lib/api/problem";
import { pageOf, preview, type Words } from "./api";

/** How long nothing is typed before it is shown anew. */
const PAUSE = 500;
type Face = "page" | "text";
interface Seen {
  subject: string;
  text: string;
  /** What was asked for: the frame shows the same. */
  words: string;
  turn: number;
}

/**
 * The mail in a frame of its own: without script, without our styles, in no origin. A form asks for it, so that what is not
 * saved yet need not be kept anywhere; each time in a new frame, so that nothing piles up behind the browser's back button.
 */
function Frame({ name, seen }: { name: string; seen: Seen }) {
  const form = useRef<HTMLFormElement>(null);
  const target = `mail-${seen.turn}`;
  useEffect(() => form.current?.submit(), [target]);
  return (
    <>
      <iframe key={target} name={target} title="Preview of the mail" sandbox="" className="h-[34rem] w-full rounded-control border border-border bg-raised" />
      <form ref={form} method="post" action={pageOf(name)} target={target} hidden>
        <input type="hidden" name="words" value={seen.words} readOnly />
      </form>
    </>
  );
}

/** How it will look, with examples for what it names; shown anew when nothing is typed for a moment. */
export function MailPreview({ name, words, faults }: { name: string; words: Words; faults: (fields: Readonly<Record<string, string>>) => void }) {
  const [seen, setSeen] = useState<Seen | null>(null);
  const [face, setFace] = useState<Face>("page");
  const [stale, setStale] = useState<string | null>(null);
  const asked = JSON.stringify(words);
  const shown = useRef<string | null>(null);
  useEffect(() => {
    if (shown.current === asked) return;
    let over = false;
    const timer = setTimeout(
      () => {
        preview(name, JSON.parse(asked) as Words)
          .then((next) => {
            if (over) return;
            shown.current = asked;
            faults({});
            setStale(null);
            setSeen((before) => ({ subject: next.subject, text: next.text, words: asked, turn: (before?.turn ?? 0) + 1 }));
          })
          .catch((cause: unknown) => {
            if (over) return;
            const fields = cause instanceof ApiError ? cause.fields : {};
            faults(fields);
            setStale(Object.keys(fields).length ? "Shown as it was before the fault." : cause instanceof ApiError ? cause.message : "The preview could not be made.");
          });
      },
      shown.current === null ? 0 : PAUSE,
    );
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [asked, name, faults]);
  return (
    <section aria-label="Preview" className="flex min-w-0 flex-col gap-3 min-[1180px]:sticky min-[1180px]:top-6">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h2 className="text-16 font-semibold">How it looks</h2>
        <div role="group" aria-label="As" className="flex rounded-control border border-border p-0.5">
          {(["page", "text"] as const).map((one) => (
            <button key={one} type="button" aria-pressed={face === one} onClick={() => setFace(one)} className={cn("rounded-chip px-2.5 py-1 text-13", face === one ? "bg-raised font-medium text-ink" : "text-muted hover:text-ink")}>
              {one === "page" ? "Designed" : "Plain text"}
            </button>
          ))}
        </div>
      </div>
      {seen ? (
        <>
          <p className="text-14 break-words">
            <span className="text-muted">Subject </span>
            <span className="font-medium">{seen.subject}</span>
          </p>
          <div className={face === "page" ? "" : "hidden"}>
            <Frame name={name} seen={seen} />
          </div>
          {face === "text" ? <pre className="h-[34rem] overflow-auto rounded-control border border-border bg-raised p-4 font-mono text-13 whitespace-pre-wrap">{seen.text}</pre> : null}
        </>
      ) : stale ? null : (
        <Skeleton className="h-[34rem]" />
      )}
      <p role="status" className="min-h-5 text-13 text-muted">
        {stale}
      </p>
    </section>
  );
}

"use client";
import { useRef, type ComponentProps, type ReactNode, type RefObject } from "react";
import { Field, TextareaField, TextField } from "@/components/ui/field";
import { Textarea } from "@/components/ui/textarea";
import { faultOf, type Draft, type Place } from "./api";

type Control = HTMLInputElement | HTMLTextAreaElement;

/** Where somebody was typing, so that a placeholder can be put there. */
export function useCaret(draft: Draft, change: (draft: Draft) => void, form: RefObject<HTMLFormElement | null>) {
  const last = useRef<Place>("text");
  const note = (place: Place) => {
    last.current = place;
  };
  const insert = (name: string) => {
    const place = last.current;
    const element = form.current?.elements.namedItem(place);
    if (!(element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement)) return;
    const text = draft[place] ?? "";
    const [from, to] = [element.selectionStart ?? text.length, element.selectionEnd ?? text.length];
    const put = `{{ ${name} }}`;
    change({ ...draft, [place]: text.slice(0, from) + put + text.slice(to) });
    requestAnimationFrame(() => {
      element.focus();
      element.setSelectionRange(from + put.length, from + put.length);
    });
  };
  return { note, insert };
}

/** A text of a line or two: the usual field of a text is higher. */
function Note({ label, error, ...props }: { label: string; error: string | undefined } & ComponentProps<"textarea">) {
  return (
    <Field label={label} error={error}>
      {(wiring) => <Textarea rows={2} {...props} {...wiring} className="min-h-18 text-14" />}
    </Field>
  );
}

interface Props {
  draft: Draft;
  fields: Readonly<Record<string, string>>;
  change: (draft: Draft) => void;
  note: (place: Place) => void;
  readOnly: boolean;
  /** What can be put where one is typing, beside the text. */
  children: ReactNode;
}

/** The words, field by field, in the order in which they are read. */
export function MailFields({ draft, fields, change, note, readOnly, children }: Props) {
  const wired = (place: Place, label: string, most: number) => ({
    label,
    name: place,
    maxLength: most,
    readOnly,
    value: draft[place] ?? "",
    error: faultOf(fields, place),
    onFocus: () => note(place),
    onChange: (event: { target: Control }) => change({ ...draft, [place]: event.target.value }),
  });
  return (
    <>
      <TextField {...wired("subject", "Subject", 200)} />
      <TextField {...wired("preheader", "Beside the subject", 200)} hint="What a mailbox shows after it." />
      <TextField {...wired("heading", "First line", 200)} />
      <TextareaField {...wired("text", "Text", 20_000)} rows={8} hint="An empty line begins a new paragraph." />
      {children}
      {draft.button === null ? null : <TextField {...wired("button", "Button", 60)} hint="Where it leads stays as it is." />}
      <Note {...wired("note", "Small print", 1_000)} />
    </>
  );
}

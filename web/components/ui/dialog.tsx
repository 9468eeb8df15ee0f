"use client";
import { X } from "lucide-react";
import { useEffect, useId, useRef, type ReactNode } from "react";
import { cn } from "@/lib/cn";
import { Button } from "./button";

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  children?: ReactNode;
  footer?: ReactNode;
  className?: string;
}

/** The buttons of a form that may be longer than the window: they stay in view at the end of the dialog. */
export function DialogActions({ children }: { children: ReactNode }) {
  return <div className="sticky bottom-0 -mx-5 -mb-5 flex flex-wrap justify-end gap-2 rounded-b-card border-t border-border bg-surface px-5 py-4">{children}</div>;
}

/**
 * A modal question. The browser's own `<dialog>` holds the focus, closes on Escape and makes the rest inert: a library would
 * inject a stylesheet for the same, which the content security policy forbids.
 */
export function Dialog({ open, onOpenChange, title, description, children, footer, className }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (!dialog || dialog.open === open) return;
    if (open) dialog.showModal();
    else dialog.close();
  }, [open]);
  return (
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions -- a click on the backdrop repeats what Escape does
    <dialog
      ref={ref}
      data-slot="dialog"
      aria-labelledby={`${id}-title`}
      aria-describedby={description ? `${id}-text` : undefined}
      onClose={() => onOpenChange(false)}
      onClick={(event) => {
        if (event.target === event.currentTarget) onOpenChange(false);
      }}
      className={cn("m-auto w-[min(28rem,calc(100vw-2rem))] scroll-pb-20 rounded-card border border-border bg-surface p-0 text-ink shadow-float", className)}
    >
      {open ? (
        <div className="flex flex-col gap-4 p-5">
          <div className="flex items-start justify-between gap-4">
            <h2 id={`${id}-title`} className="text-16 font-semibold">
              {title}
            </h2>
            <Button variant="ghost" size="iconSm" aria-label="Close" className="-mt-1.5 -mr-2" onClick={() => onOpenChange(false)}>
              <X aria-hidden />
            </Button>
          </div>
          {description ? (
            <div id={`${id}-text`} className="text-14 text-muted">
              {description}
            </div>
          ) : null}
          {children}
          {footer ? <div className="flex flex-wrap justify-end gap-2">{footer}</div> : null}
        </div>
      ) : null}
    </dialog>
  );
}

import { CircleAlert } from "lucide-react";
import { useId, type ComponentProps, type ReactNode } from "react";
import { cn } from "@/lib/cn";
import { Input } from "./input";
import { Label } from "./label";
import { Textarea } from "./textarea";

interface Frame {
  label: string;
  error?: string | undefined;
  hint?: ReactNode;
  className?: string;
}
interface Wiring {
  id: string;
  "aria-invalid": true | undefined;
  "aria-describedby": string | undefined;
}

/** A labelled control with its hint and the server's word about it, wired for screen readers. */
export function Field({ label, error, hint, className, children }: Frame & { children: (wiring: Wiring) => ReactNode }) {
  const id = useId();
  const note = error ? `${id}-error` : hint ? `${id}-hint` : undefined;
  return (
    <div data-slot="field" className={cn("flex min-w-0 flex-col gap-1.5", className)}>
      <Label htmlFor={id}>{label}</Label>
      {children({ id, "aria-invalid": error ? true : undefined, "aria-describedby": note })}
      {error ? (
        <p id={note} className="flex items-start gap-1.5 text-13 text-danger">
          <CircleAlert aria-hidden className="mt-0.5 size-3.5 shrink-0" />
          {error}
        </p>
      ) : hint ? (
        <p id={note} className="text-13 text-muted">
          {hint}
        </p>
      ) : null}
    </div>
  );
}

export function TextField({ label, error, hint, className, ...props }: Frame & ComponentProps<"input">) {
  return (
    <Field label={label} error={error} hint={hint} className={className ?? ""}>
      {(wiring) => <Input {...props} {...wiring} />}
    </Field>
  );
}

export function TextareaField({ label, error, hint, className, ...props }: Frame & ComponentProps<"textarea">) {
  return (
    <Field label={label} error={error} hint={hint} className={className ?? ""}>
      {(wiring) => <Textarea {...props} {...wiring} />}
    </Field>
  );
}

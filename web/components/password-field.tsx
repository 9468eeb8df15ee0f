"use client";
import { Eye, EyeOff } from "lucide-react";
import { useEffect, useState } from "react";
import { api, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { cn } from "@/lib/cn";
import { Button } from "./ui/button";
import { Field } from "./ui/field";
import { Input } from "./ui/input";

type Estimate = Schema["EstimateView"];
const WORDS = ["Guessed at once", "Very weak", "Weak", "Good", "Strong"] as const;

/** What the server thinks of a password that is being typed: the same rules that it must pass when it is sent. */
function useEstimate(password: string, hints: string[]): Estimate | null {
  const [known, setKnown] = useState<{ of: string; estimate: Estimate } | null>(null);
  const about = hints.join("\n");
  useEffect(() => {
    if (!password) return;
    let left = false;
    const pause = setTimeout(() => {
      unwrap(api.POST("/api/v1/password-estimates", { body: { password, hints: about ? about.split("\n") : [] } })).then(
        (estimate) => left || setKnown({ of: password, estimate }),
        // Without an estimate there is no meter; the server still checks.
        () => left || setKnown(null),
      );
    }, 250);
    return () => {
      left = true;
      clearTimeout(pause);
    };
  }, [password, about]);
  return password && known ? known.estimate : null;
}

function Meter({ estimate }: { estimate: Estimate | null }) {
  const filled = estimate ? (estimate.accepted ? estimate.score : Math.min(estimate.score, 2)) : 0;
  const colour = !estimate ? "" : estimate.accepted ? "bg-success" : filled < 2 ? "bg-danger" : "bg-warning";
  return (
    <div aria-hidden className="grid grid-cols-4 gap-1" data-slot="meter" data-score={estimate?.score}>
      {[1, 2, 3, 4].map((n) => (
        <span key={n} className={cn("h-1 rounded-full bg-border", estimate && n <= Math.max(1, filled) ? colour : "")} />
      ))}
    </div>
  );
}

interface Props {
  label: string;
  name: string;
  error?: string | undefined;
  hint?: string;
  /** Words that a guesser would try first: the address, the name. */
  hints?: string[];
}

/** A new password, with what is to be thought of it while it is typed. */
export function NewPasswordField({ label, name, error, hint = "A few words make a good one.", hints = [] }: Props) {
  const [password, setPassword] = useState("");
  const [shown, setShown] = useState(false);
  const estimate = useEstimate(password, hints);
  const said = estimate ? (estimate.message ?? `${WORDS[estimate.score] ?? "Good"}. This one is taken.`) : hint;
  return (
    <div className="flex flex-col gap-2">
      <Field label={label} error={error} hint={<span aria-live="polite">{said}</span>}>
        {(wiring) => (
          <span className="relative flex">
            <Input
              {...wiring}
              name={name}
              type={shown ? "text" : "password"}
              autoComplete="new-password"
              className="w-full pr-10"
              value={password}
              onChange={(event) => setPassword(event.target.value)}
            />
            <Button variant="ghost" size="iconSm" className="absolute top-0.5 right-0.5" aria-label={shown ? "Hide the password" : "Show the password"} aria-pressed={shown} onClick={() => setShown(!shown)}>
              {shown ? <EyeOff aria-hidden /> : <Eye aria-hidden />}
            </Button>
          </span>
        )}
      </Field>
      <Meter estimate={estimate} />
    </div>
  );
}

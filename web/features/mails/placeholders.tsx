import type { MailWords } from "./api";

/** What the mail may name: a click puts it where one was typing. */
export function Placeholders({ mail, insert }: { mail: MailWords; insert: ((name: string) => void) | null }) {
  return (
    <section aria-label="What it may name" className="flex flex-col gap-2">
      <h2 className="text-13 font-medium">What it may name</h2>
      <ul className="flex flex-col divide-y divide-border border-y border-border">
        {mail.placeholders.map((one) => (
          <li key={one.name} className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5 py-1.5">
            {insert ? (
              // The field keeps the focus: what is typed next follows what was put in.
              <button type="button" className="rounded-chip font-mono text-13 text-primary hover:underline" onMouseDown={(event) => event.preventDefault()} onClick={() => insert(one.name)}>
                {`{{ ${one.name} }}`}
              </button>
            ) : (
              <span className="font-mono text-13">{`{{ ${one.name} }}`}</span>
            )}
            <span className="text-13 text-muted">
              {one.meaning}
              {one.needed ? ". Readers need it." : ""}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

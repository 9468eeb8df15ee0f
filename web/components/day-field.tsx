import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";

/** A day that narrows a list, beside its label; on a phone, such fields stand in line below each other. */
export function DayField({ label, value, onChange }: { label: string; value: string | undefined; onChange: (day: string) => void }) {
  return (
    <Field label={label} className="flex-row items-center gap-2 max-sm:w-full [&>label]:shrink-0 max-sm:[&>label]:w-24">
      {(wiring) => <Input type="date" className="sm:w-36" value={value ?? ""} onChange={(event) => onChange(event.target.value)} {...wiring} />}
    </Field>
  );
}

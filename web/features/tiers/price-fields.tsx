import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { Select } from "@/components/ui/select";
import type { Schema } from "@/lib/api/client";
import { amountOf, CURRENCIES, typed } from "@/lib/money";
import { text } from "@/lib/use-submit";
import { dropPrice, setPrice } from "./api";

type Price = Schema["Price"];

const INTERVALS = [
  { interval: "month", label: "A month" },
  { interval: "year", label: "A year" },
] as const;

/** What is wrong with the prices that were typed, if anything. */
export function faultOfPrices(form: FormData): string | null {
  const currency = text(form, "currency");
  const wrong = INTERVALS.find(({ interval }) => text(form, `price:${interval}`).trim() && amountOf(text(form, `price:${interval}`), currency) === null);
  return wrong ? `${wrong.label}: write an amount, as 24 or 24.50.` : null;
}

/** Offers the tier at what was typed; an interval that was emptied is offered no more. */
export async function savePrices(tier: string, form: FormData, before: readonly Price[]): Promise<void> {
  const currency = text(form, "currency").toLowerCase();
  for (const { interval } of INTERVALS) {
    const old = before.find((price) => price.interval === interval);
    const amount = amountOf(text(form, `price:${interval}`), currency);
    if (amount === null) {
      if (old) await dropPrice(tier, interval);
    } else if (old?.amount !== amount || old.currency !== currency) {
      await setPrice(tier, interval, { currency, amount });
    }
  }
}

/** What a tier costs. Empty is not sold. */
export function PriceFields({ prices, error }: { prices: readonly Price[]; error: string | undefined }) {
  const currency = (prices[0]?.currency ?? "eur").toUpperCase();
  const offered: readonly string[] = CURRENCIES;
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-1.5 text-13 font-medium">What it costs</legend>
      <div className="flex flex-wrap items-end gap-3">
        {INTERVALS.map(({ interval, label }) => {
          const price = prices.find((one) => one.interval === interval);
          return (
            <Field key={interval} label={label}>
              {(wiring) => <Input name={`price:${interval}`} inputMode="decimal" autoComplete="off" placeholder="not sold" defaultValue={price ? typed(price.amount, price.currency) : ""} className="w-28 text-right" {...wiring} />}
            </Field>
          );
        })}
        <Field label="Currency">
          {(wiring) => (
            <Select name="currency" defaultValue={currency} {...wiring}>
              {(offered.includes(currency) ? offered : [currency, ...offered]).map((code) => (
                <option key={code}>{code}</option>
              ))}
            </Select>
          )}
        </Field>
      </div>
      {error ? (
        <p role="alert" className="text-13 text-danger">
          {error}
        </p>
      ) : (
        <p className="text-13 text-muted">Members subscribe to it. Who subscribed at another price goes on paying that.</p>
      )}
    </fieldset>
  );
}

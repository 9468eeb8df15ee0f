/** Currencies that a price can be in here. The server takes any; these are offered. */
export const CURRENCIES = ["EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CAD", "AUD", "JPY"] as const;

const format = (currency: string) => new Intl.NumberFormat("en", { style: "currency", currency: currency.toUpperCase() });

/** How many decimals a currency has: two for most, none for the yen (ISO 4217). */
export const decimals = (currency: string): number => format(currency).resolvedOptions().maximumFractionDigits ?? 2;

/** An amount in the currency's smallest unit, as people read it: 2400 and "eur" is "€24.00". */
export function money(amount: number, currency: string): string {
  return format(currency).format(amount / 10 ** decimals(currency));
}

/** An amount as it is typed in a field: 2400 and "eur" is "24.00". */
export const typed = (amount: number, currency: string): string => (amount / 10 ** decimals(currency)).toFixed(decimals(currency));

/** What was typed, in the currency's smallest unit; null for what is no amount. A comma is as good as a point. */
export function amountOf(text: string, currency: string): number | null {
  const places = decimals(currency);
  const match = /^(\d{1,9})(?:[.,](\d+))?$/.exec(text.trim());
  const [, whole = "", part = ""] = match ?? [];
  if (!match || part.length > places) return null;
  return Number(whole) * 10 ** places + Number(part.padEnd(places, "0") || 0);
}

import { Badge } from "@/components/ui/badge";
import { money } from "@/lib/money";
import type { Payment } from "./api";

const TONES: Readonly<Record<string, "success" | "warning" | "danger">> = { paid: "success", waiting: "warning", failed: "danger" };

export const statusInWords = (status: string): string => status.charAt(0).toUpperCase() + status.slice(1);

/** How a payment stands, and why if it did not come. */
export function PaymentStatus({ payment }: { payment: Payment }) {
  const back = payment.status === "paid" && payment.refunded > 0;
  return (
    <span className="flex flex-col items-start gap-0.5">
      <Badge tone={TONES[payment.status] ?? "neutral"}>{statusInWords(payment.status)}</Badge>
      {back ? <span className="text-12 text-muted">{money(payment.refunded, payment.currency)} went back</span> : null}
      {payment.failure ? <span className="text-12 text-muted">{payment.failure}</span> : null}
    </span>
  );
}

/** "Visa ending in 4242". */
export function cardInWords(card: string | null | undefined): string | null {
  const [brand = "", last4] = card?.split(" ") ?? [];
  if (!last4) return null;
  return `${brand.charAt(0).toUpperCase()}${brand.slice(1)} ending in ${last4}`;
}

/** The invoice's page at the payment provider, which opens beside ours. */
export function InvoiceLink({ payment }: { payment: Payment }) {
  if (!payment.invoice_url) return <span className="text-muted">{payment.invoice_number ?? "–"}</span>;
  return (
    <a href={payment.invoice_url} target="_blank" rel="noopener noreferrer" className="font-mono text-12 whitespace-nowrap text-primary underline-offset-4 hover:underline" aria-label={`Invoice ${payment.invoice_number ?? ""}, opens in a new tab`}>
      {payment.invoice_number ?? "Invoice"}
    </a>
  );
}

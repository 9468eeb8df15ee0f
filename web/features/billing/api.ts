import { api, type Query, type Schema } from "@/lib/api/client";
import { unwrap } from "@/lib/api/problem";
import { pageOptions } from "@/lib/pages";
import { keys } from "@/lib/query-keys";

type Client = Pick<typeof api, "GET">;
export type Payment = Schema["PaymentView"];
export type Offers = Schema["OffersView"];
export type Offer = Schema["OfferView"];
export type Price = Schema["Price"];
export type PaymentFilter = Partial<Record<"status" | "user", string>>;

export const STATUSES = ["paid", "waiting", "failed", "refunded", "canceled"] as const;

export function paymentFilter(read: (key: string) => string | null | undefined): PaymentFilter {
  const status = read("status") ?? "";
  const user = read("user") ?? "";
  return { ...((STATUSES as readonly string[]).includes(status) ? { status } : {}), ...(user ? { user } : {}) };
}

export const paymentsOptions = (filter: PaymentFilter, client: Client = api) =>
  pageOptions(keys.payments.list(filter), (cursor) =>
    unwrap(client.GET("/api/v1/payments", { params: { query: { ...(filter as Query<"payments">), ...(cursor ? { cursor } : {}), limit: 50 } } })),
  );

export const myPaymentsOptions = (client: Client = api) => pageOptions(keys.payments.mine(), (cursor) => unwrap(client.GET("/api/v1/me/payments", { params: { query: { ...(cursor ? { cursor } : {}), limit: 20 } } })));

export const offersOptions = (client: Client = api) => ({
  queryKey: keys.payments.offers(),
  queryFn: () => unwrap(client.GET("/api/v1/me/offers")),
});

export const checkOut = (price: string) => unwrap(api.POST("/api/v1/me/checkout", { body: { price } }));
export const openPortal = () => unwrap(api.POST("/api/v1/me/billing-portal"));

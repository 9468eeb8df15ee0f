"""The same journey in Python, with the SDK's typed objects. Checkout's form is filled without a browser, as by one without script."""

import hashlib, hmac, http.server, json, os, queue, threading, time, urllib.parse, urllib.request

import stripe

BASE = os.environ["STRIPE_BASE"].rstrip("/")
client = stripe.StripeClient("sk_test_contract", base_addresses={"api": BASE}, max_network_retries=0)
v1 = client.v1
DAY = 86400
hooks = queue.Queue()
secret = None


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            hooks.put(stripe.Webhook.construct_event(body, self.headers["stripe-signature"], secret))
            self.send_response(200)
        except Exception as error:  # the test sees it as a missing event
            print(error)
            self.send_response(400)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
seen = []


def event(kind):
    deadline = time.time() + 30
    while not any(one.type == kind for one in seen):
        seen.append(hooks.get(timeout=max(0.1, deadline - time.time())))
    return next(one for one in seen if one.type == kind)


def refused(kind, call, **wanted):
    try:
        call()
    except kind as error:
        for key, value in wanted.items():
            assert getattr(error, key) == value, (key, getattr(error, key))
        return error
    raise AssertionError(f"{kind} was expected")


def post(url, **form):
    """Posts a page's form and says where the browser would go."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    try:
        urllib.request.build_opener(Stay).open(url, urllib.parse.urlencode(form).encode())
    except urllib.error.HTTPError as answer:
        return answer.headers["location"] or answer.read().decode()


def advance(clock, to):
    while (now := v1.test_helpers.test_clocks.retrieve(clock).frozen_time) < to:
        v1.test_helpers.test_clocks.advance(clock, {"frozen_time": min(to, now + 27 * DAY)})
        while v1.test_helpers.test_clocks.retrieve(clock).status != "ready":
            time.sleep(0.05)


endpoint = v1.webhook_endpoints.create({"url": f"http://127.0.0.1:{server.server_port}/", "enabled_events": ["checkout.session.completed", "invoice.paid", "customer.subscription.deleted"], "api_version": "2026-10-28.endive"})
secret = endpoint.secret

# The catalogue.
silver = v1.products.create({"name": "Silver", "default_price_data": {"currency": "usd", "unit_amount": 1000, "recurring": {"interval": "month"}}})
gold = v1.products.create({"name": "Gold"})
silver_price = silver.default_price
gold_price = v1.prices.create({"product": gold.id, "currency": "usd", "unit_amount": 3000, "recurring": {"interval": "month"}, "lookup_key": "gold"}).id

# The errors are the SDK's own.
refused(stripe.AuthenticationError, lambda: stripe.StripeClient("sk_live_x", base_addresses={"api": BASE}).v1.customers.list(), http_status=401)
refused(stripe.InvalidRequestError, lambda: v1.customers.retrieve("cus_nobody"), http_status=404, code="resource_missing")
refused(stripe.InvalidRequestError, lambda: v1.prices.create({"currency": "usd", "unit_amount": "x", "product": gold.id}), code="parameter_invalid_integer")
refused(stripe.RateLimitError, lambda: v1.customers.list(options={"headers": {"Sandbox-Fault": "429"}}), http_status=429)
refused(stripe.APIError, lambda: v1.customers.list(options={"headers": {"Sandbox-Fault": "500"}}), http_status=500)

# A lost answer: the command was done, and the key finds it again.
lost = {"idempotency_key": "lost-1", "headers": {"Sandbox-Fault": "timeout-after-commit"}}
refused(Exception, lambda: v1.customers.create({"name": "Once"}, options=lost))
v1.customers.create({"name": "Once"}, options={"idempotency_key": "lost-1"})
assert sum(one.name == "Once" for one in v1.customers.list().auto_paging_iter()) == 1

start = int(time.time())
clock = v1.test_helpers.test_clocks.create({"frozen_time": start}).id
customer = v1.customers.create({"email": "grace@example.com", "test_clock": clock}).id
error = refused(stripe.CardError, lambda: v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer}), code="card_declined")
assert error.error.decline_code == "generic_decline"

# Checkout with 3-D Secure.
session = v1.checkout.sessions.create({"mode": "subscription", "customer": customer, "line_items": [{"price": silver_price, "quantity": 1}], "success_url": "https://example.com/ok?id={CHECKOUT_SESSION_ID}"})
page = urllib.request.urlopen(session.url).read().decode()
assert "$10.00" in page and "no money moves" in page
card = {"email": "grace@example.com", "name": "Grace", "country": "US", "number": "4000002500003155", "expiry": "12 / 34", "cvc": "123", "do": "pay"}
bank = post(session.url, **card)
assert bank.endswith("/authenticate"), bank
assert post(bank, answer="approve") == f"https://example.com/ok?id={session.id}"
done = v1.checkout.sessions.retrieve(session.id, {"expand": ["subscription.latest_invoice", "subscription.default_payment_method"]})
sub = done.subscription
assert (done.payment_status, sub.status, sub.latest_invoice.billing_reason) == ("paid", "active", "subscription_create")
assert sub.default_payment_method.card.last4 == "3155"
assert event("checkout.session.completed").data.object.id == session.id

# An upgrade that is paid at once, exactly as previewed.
advance(clock, start + 10 * DAY)
change = {"items": [{"id": sub["items"].data[0].id, "price": gold_price}], "proration_behavior": "always_invoice", "proration_date": start + 10 * DAY}
preview = v1.invoices.create_preview({"subscription": sub.id, "subscription_details": change})
sub = v1.subscriptions.update(sub.id, {**change, "payment_behavior": "pending_if_incomplete", "expand": ["latest_invoice"]})
assert sub.latest_invoice.amount_paid == preview.amount_due == sum(line.amount for line in preview.lines.data)
assert sub.pending_update is None

# Thirteen months, one of them with a refused charge that recovers three days later.
advance(clock, start + 61 * DAY)
post(f"{BASE}/pages/control", do="decline")
advance(clock, sub["items"].data[0].current_period_end + 62 * DAY - 30 * DAY)
kinds = [one.type for one in v1.events.list({"limit": 100, "types": ["invoice.payment_failed"]}).auto_paging_iter()]
assert kinds == ["invoice.payment_failed"], kinds
advance(clock, start + 397 * DAY)
sub = v1.subscriptions.retrieve(sub.id)
invoices = list(v1.invoices.list({"subscription": sub.id, "limit": 100, "expand": ["data.payments"]}).auto_paging_iter())
cycle = [one for one in invoices if one.billing_reason == "subscription_cycle"]
assert sub.status == "active" and len(cycle) == 13 and all(one.status == "paid" for one in cycle), (sub.status, len(cycle))
assert sorted(one.attempt_count for one in cycle)[-1] == 2
assert len({one.number for one in invoices}) == len(invoices)

# Money back.
intent = cycle[0].payments.data[0].payment.payment_intent
refund = v1.refunds.create({"payment_intent": intent, "amount": 500})
assert v1.charges.retrieve(refund.charge, {"expand": ["refunds"]}).amount_refunded == 500
note = v1.credit_notes.create({"invoice": cycle[1].id, "amount": 700, "credit_amount": 700})
assert (note.type, v1.customers.retrieve(customer).balance) == ("post_payment", -700)

# A schedule for the downgrade, then the end.
schedule = v1.subscription_schedules.create({"from_subscription": sub.id})
phase = schedule.phases[0]
v1.subscription_schedules.update(schedule.id, {"end_behavior": "release", "phases": [
    {"items": [{"price": gold_price, "quantity": 1}], "start_date": phase.start_date, "end_date": phase.end_date},
    {"items": [{"price": silver_price, "quantity": 1}], "duration": {"interval": "month", "interval_count": 1}, "proration_behavior": "none"}]})
advance(clock, phase.end_date + 7200)
sub = v1.subscriptions.retrieve(sub.id, {"expand": ["latest_invoice"]})
assert sub["items"].data[0].price.id == silver_price and sub.latest_invoice.total == 1000, sub.latest_invoice.total
assert sub.latest_invoice.starting_balance == -700 and sub.latest_invoice.amount_paid == 300
v1.subscription_schedules.release(schedule.id)
sub = v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
advance(clock, sub.cancel_at + DAY)
assert v1.subscriptions.retrieve(sub.id).status == "canceled"
assert event("customer.subscription.deleted").data.object.id == sub.id

# A small round through the rarer nouns, so that their shapes are checked too.
other = v1.customers.create({"email": "b@example.com", "tax_id_data": [{"type": "eu_vat", "value": "DE123456789"}], "address": {"country": "DE", "city": "Berlin"}}).id
v1.customers.tax_ids.list(other)
rate = v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": False, "country": "DE"}).id
v1.invoice_items.create({"customer": other, "amount": 5000, "currency": "usd", "description": "Work", "tax_rates": [rate]})
draft = v1.invoices.create({"customer": other, "pending_invoice_items_behavior": "include", "collection_method": "send_invoice", "days_until_due": 14})
assert draft.total == 5950
sent = v1.invoices.send_invoice(draft.id)
assert sent.status == "open" and sent.due_date
assert v1.invoices.pay(draft.id, {"payment_method": "pm_card_visa"}).status == "paid"
v1.invoice_payments.list({"invoice": draft.id})
v1.invoices.line_items.list(draft.id)
setup = v1.setup_intents.create({"customer": other, "payment_method": "pm_card_visa", "confirm": True, "usage": "off_session", "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}})
assert setup.status == "succeeded"
payment = v1.payment_intents.create({"amount": 1500, "currency": "usd", "customer": other, "payment_method": setup.payment_method, "off_session": True, "confirm": True})
assert payment.status == "succeeded"
refused(stripe.CardError, lambda: v1.payment_intents.create({"amount": 1500, "currency": "usd", "payment_method": "pm_card_authenticationRequired", "off_session": True, "confirm": True}), code="authentication_required")
waiting = v1.payment_intents.create({"amount": 1500, "currency": "usd"})
assert v1.payment_intents.cancel(waiting.id).status == "canceled"
coupon = v1.coupons.create({"amount_off": 300, "currency": "usd", "duration": "repeating", "duration_in_months": 3})
code = v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "THREE"})
assert v1.promotion_codes.list({"code": "three"}).data[0].id == code.id
sub = v1.subscriptions.create({"customer": other, "items": [{"price": gold_price}], "default_payment_method": setup.payment_method, "discounts": [{"promotion_code": code.id}], "trial_period_days": 3, "expand": ["discounts"]})
assert sub.status == "trialing" and sub.discounts[0].source.coupon == coupon.id
item = v1.subscription_items.create({"subscription": sub.id, "price": silver_price, "quantity": 2})
v1.subscription_items.update(item.id, {"quantity": 1})
v1.subscription_items.list({"subscription": sub.id})
v1.subscription_items.delete(item.id)
assert v1.subscriptions.pause(sub.id, {"type": "subscription"}).status == "paused"
assert v1.subscriptions.resume(sub.id, {"billing_cycle_anchor": {"type": "now"}}).status == "active"
assert v1.subscriptions.cancel(sub.id, {"prorate": True}).status == "canceled"
feature = v1.entitlements.features.create({"name": "API", "lookup_key": "api"})
v1.entitlements.features.update(feature.id, {"active": False})
assert v1.accounts.retrieve_current().id.startswith("acct_") if hasattr(v1.accounts, "retrieve_current") else True
v1.coupons.delete(coupon.id)
assert v1.customers.delete(other).deleted
v1.webhook_endpoints.delete(endpoint.id)
v1.test_helpers.test_clocks.delete(clock)
server.shutdown()
print(f"  python: {len(seen) + hooks.qsize()} web hooks verified by the SDK")

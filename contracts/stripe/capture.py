"""Compares the sandbox with real Stripe in test mode. For the owner of a test key; nothing here runs it by itself.

usage: STRIPE_TEST_KEY=sk_test_… STRIPE_BASE=http://127.0.0.1:12111 .venv/bin/python capture.py [--real URL] [--out FILE]

Runs one journey twice, on real Stripe and on the sandbox, with the same calls; writes both recordings and prints where they
differ: a key that only one has, another type, another value of a field that does not depend on ids or time. What agrees may
then be marked "verified against test mode" in the crate's README, with the date. It makes a product, a test clock and what
hangs on them in the test account, and deletes the clock at the end. Refuses live keys.
"""
import argparse, json, os, re, sys, time

import stripe

parser = argparse.ArgumentParser()
parser.add_argument("--real", default="https://api.stripe.com")
parser.add_argument("--out", default="out/capture.json")
options = parser.parse_args()
key = os.environ["STRIPE_TEST_KEY"]
if not key.startswith(("sk_test_", "rk_test_")):
    sys.exit("only a test key may be used")
START = int(time.time())
DAY = 86400
LOOSE = re.compile(r"(^|\.)(id|url|pdf|created|updated|number|client_secret|fingerprint|invoice_prefix|hosted_invoice_url|invoice_pdf|receipt_url|request_log_url|account_\w+|latest_charge|network_transaction_id|balance_transaction)$")


def journey(client):
    """Yields (name, answer) of each step."""
    v1 = client.v1

    def advance(clock, to):
        v1.test_helpers.test_clocks.advance(clock, {"frozen_time": to})
        while (status := v1.test_helpers.test_clocks.retrieve(clock).status) != "ready":
            if status == "internal_failure":
                sys.exit("the clock failed")
            time.sleep(1)

    product = v1.products.create({"name": "Capture"})
    yield "product", product
    prices = [v1.prices.create({"product": product.id, "currency": "usd", "unit_amount": amount, "recurring": {"interval": "month"}}) for amount in (1000, 3000)]
    yield "price", prices[0]
    clock = v1.test_helpers.test_clocks.create({"frozen_time": START})
    yield "clock", clock
    customer = v1.customers.create({"email": "capture@example.com", "name": "Capture", "test_clock": clock.id, "payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"}})
    yield "customer", customer
    sub = v1.subscriptions.create({"customer": customer.id, "items": [{"price": prices[0].id}], "billing_mode": {"type": "flexible"}, "expand": ["latest_invoice.payments", "latest_invoice.confirmation_secret"]})
    yield "subscription", sub
    advance(clock.id, START + 10 * DAY)
    change = {"items": [{"id": sub["items"].data[0].id, "price": prices[1].id}], "proration_behavior": "always_invoice", "proration_date": START + 10 * DAY}
    yield "preview", v1.invoices.create_preview({"subscription": sub.id, "subscription_details": change})
    yield "upgrade", v1.subscriptions.update(sub.id, {**change, "payment_behavior": "pending_if_incomplete", "expand": ["latest_invoice"]})
    declining = v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": declining.id}})
    advance(clock.id, sub["items"].data[0].current_period_end + 7200)
    failed = v1.subscriptions.retrieve(sub.id, {"expand": ["latest_invoice"]})
    yield "renewal that failed", failed
    paid = v1.invoices.pay(failed.latest_invoice.id, {"payment_method": "pm_card_visa", "expand": ["payments"]})
    yield "invoice paid by hand", paid
    intent = paid.payments.data[0].payment.payment_intent
    yield "refund", v1.refunds.create({"payment_intent": intent, "amount": 500})
    yield "credit note", v1.credit_notes.create({"invoice": paid.id, "amount": 300, "credit_amount": 300})
    yield "cancel at the end", v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    for name, call in {"no such customer": lambda: v1.customers.retrieve("cus_nobody"), "declined": lambda: v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer.id}), "unknown parameter": lambda: v1.customers.create({"nmae": "x"}), "refund too large": lambda: v1.refunds.create({"payment_intent": intent, "amount": 999999})}.items():
        try:
            call()
        except stripe.StripeError as error:
            yield name, {"status": error.http_status, **error.json_body["error"]}
    v1.test_helpers.test_clocks.delete(clock.id)


def plain(value):
    return json.loads(json.dumps(value.to_dict() if hasattr(value, "to_dict") else value, default=str))


def differences(real, ours, path):
    if isinstance(real, dict) and isinstance(ours, dict):
        for key in sorted(real.keys() | ours.keys()):
            here = f"{path}.{key}"
            if key not in ours or key not in real:
                yield f"{here}: only {'Stripe' if key in real else 'the sandbox'} has it"
            else:
                yield from differences(real[key], ours[key], here)
    elif isinstance(real, list) and isinstance(ours, list):
        if len(real) != len(ours):
            yield f"{path}: {len(real)} entries, the sandbox has {len(ours)}"
        for n, (one, other) in enumerate(zip(real, ours)):
            yield from differences(one, other, f"{path}[{n}]")
    elif type(real) is not type(ours):
        yield f"{path}: Stripe says {real!r}, the sandbox {ours!r}"
    elif real != ours and not LOOSE.search(path) and not (isinstance(real, str) and re.match(r"[a-z]+_", real)) and not (isinstance(real, int) and abs(real - START) < 90 * DAY):
        yield f"{path}: Stripe says {real!r}, the sandbox {ours!r}"


sides = {"real": stripe.StripeClient(key, base_addresses={"api": options.real}), "sandbox": stripe.StripeClient("sk_test_capture", base_addresses={"api": os.environ["STRIPE_BASE"].rstrip("/")})}
recorded = {name: {step: plain(answer) for step, answer in journey(client)} for name, client in sides.items()}
os.makedirs(os.path.dirname(options.out) or ".", exist_ok=True)
json.dump(recorded, open(options.out, "w"), indent=1)
found = [line for step in recorded["real"] for line in differences(recorded["real"][step], recorded["sandbox"].get(step), step)]
print("\n".join(found) or "No difference.")
print(f"{len(found)} differences in {len(recorded['real'])} steps; both recordings are in {options.out}")

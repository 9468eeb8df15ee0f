-- A payment with whoever paid it, as lists show it. Each list has a query of its own over it, so
-- that each has the index that it needs, whatever plan is kept.
create view billing.shown_payments as
select p.id, p.user_id, u.name, u.email, p.status, p.currency, p.amount, p.refunded, p.description,
    p.card, p.failure, p.invoice_number, p.invoice_url, p.created_at
from billing.payments p
left join published.people u on u.id = p.user_id;

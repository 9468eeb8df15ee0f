-- What is sold, to whom, and what was paid: our picture of what the payment provider holds. A row
-- is written from the provider's answer alone, and of two answers the one asked for later stays.

-- What a tier costs. A price is never changed: a new one takes its place, and who subscribed at
-- the old one keeps it.
create table billing.prices (
    id uuid not null,
    tier_id uuid not null,
    "interval" text not null,
    -- ISO 4217, in small letters.
    currency text not null,
    -- In the currency's smallest unit.
    amount bigint not null,
    -- What the provider calls it, once it was told.
    provider_id text,
    created_at timestamptz not null default now(),
    archived_at timestamptz,
    constraint prices_pkey primary key (id),
    constraint prices_provider_id_key unique (provider_id),
    constraint prices_tier_id_fkey foreign key (tier_id) references billing.tiers (id) on delete cascade,
    constraint prices_interval_check check ("interval" in ('month', 'year')),
    constraint prices_currency_check check (currency ~ '^[a-z]{3}$'),
    constraint prices_amount_check check (amount > 0)
);

create unique index prices_offered_key on billing.prices (tier_id, "interval") where archived_at is null;

-- Who pays, as the provider calls them.
create table billing.customers (
    user_id uuid not null,
    provider_id text not null,
    -- The page on which they may be paying now; another one ends it, so that nobody pays twice.
    checkout_id text,
    created_at timestamptz not null default now(),
    constraint customers_pkey primary key (user_id),
    constraint customers_provider_id_key unique (provider_id)
);

create table billing.subscriptions (
    -- The provider's.
    id text not null,
    user_id uuid not null,
    -- Null if somebody else's price was put into it.
    price_id uuid,
    status text not null,
    period_ends_at timestamptz,
    -- When it ends, if an end is set.
    ends_at timestamptz,
    created_at timestamptz not null,
    asked_at timestamptz not null,
    constraint subscriptions_pkey primary key (id),
    constraint subscriptions_price_id_fkey foreign key (price_id) references billing.prices (id)
);

create index subscriptions_user_id_created_at_idx on billing.subscriptions (user_id, created_at desc);
create index subscriptions_price_id_idx on billing.subscriptions (price_id);

create table billing.payments (
    id uuid not null,
    -- A payment intent.
    provider_id text not null,
    user_id uuid not null,
    status text not null,
    currency text not null,
    amount bigint not null,
    refunded bigint not null default 0,
    -- What for, in words.
    description text,
    -- As in `visa 4242`.
    card text,
    -- Why it failed, in the provider's words for whoever pays.
    failure text,
    invoice_number text,
    -- The invoice's page at the provider.
    invoice_url text,
    created_at timestamptz not null,
    asked_at timestamptz not null,
    constraint payments_pkey primary key (id),
    constraint payments_provider_id_key unique (provider_id),
    constraint payments_status_check check (status in ('waiting', 'paid', 'failed', 'canceled', 'refunded')),
    constraint payments_amount_check check (amount >= 0 and refunded between 0 and amount)
);

create index payments_created_at_id_idx on billing.payments (created_at desc, id desc);
create index payments_status_created_at_id_idx on billing.payments (status, created_at desc, id desc);
create index payments_user_id_created_at_id_idx on billing.payments (user_id, created_at desc, id desc);

-- Web hooks: what happened to which object. What they say about it is not kept, because the
-- provider is asked.
create table billing.provider_events (
    id text not null,
    kind text not null,
    -- `subscription`, `invoice` or `payment`; null if it concerns nothing that is followed.
    about text,
    object_id text,
    sent_at timestamptz not null,
    received_at timestamptz not null,
    applied_at timestamptz,
    constraint provider_events_pkey primary key (id)
);

create index provider_events_sent_at_idx on billing.provider_events (sent_at);

-- Where the provider sends its web hooks, and the secret that signs them, sealed.
create table billing.provider_endpoints (
    id text not null,
    secret_sealed text not null,
    created_at timestamptz not null default now(),
    constraint provider_endpoints_pkey primary key (id)
);

-- A membership that is paid for ends with its subscription; one that staff gave does not.
alter table billing.memberships add column subscription_id text;

alter table billing.payments replica identity full;
alter table billing.subscriptions replica identity full;

alter publication portico_live add table billing.payments, billing.subscriptions;

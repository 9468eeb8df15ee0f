create schema billing;

-- What a tier can open: a switch, or something of which there is so much.
create table billing.features (
    key text not null,
    name text not null,
    description text not null default '',
    created_at timestamptz not null default now(),
    demo boolean not null default false,
    constraint features_pkey primary key (key)
);

create table billing.tiers (
    id uuid not null,
    -- What code and audiences call it: never changed.
    key text not null,
    name text not null,
    description text not null default '',
    position integer not null default 0,
    -- Kept by the verbs, so that a list never counts holders.
    holder_count bigint not null default 0,
    -- Nobody new gets it; who holds it keeps it.
    archived_at timestamptz,
    demo boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint tiers_pkey primary key (id),
    constraint tiers_key_key unique (key),
    constraint tiers_holder_count_check check (holder_count >= 0)
);

create table billing.tier_features (
    tier_id uuid not null,
    feature text not null,
    -- How much of it; null is without limit.
    amount bigint,
    constraint tier_features_pkey primary key (tier_id, feature),
    constraint tier_features_tier_id_fkey foreign key (tier_id) references billing.tiers (id) on delete cascade,
    constraint tier_features_feature_fkey foreign key (feature) references billing.features (key),
    constraint tier_features_amount_check check (amount > 0)
);

create index tier_features_feature_idx on billing.tier_features (feature);

-- Who holds which tier: one each.
create table billing.memberships (
    user_id uuid not null,
    tier_id uuid not null,
    since timestamptz not null default now(),
    -- The end, if it has one; a job takes it away then, and nobody counts it from that moment.
    until timestamptz,
    granted_by uuid,
    reason text,
    demo boolean not null default false,
    constraint memberships_pkey primary key (user_id),
    constraint memberships_tier_id_fkey foreign key (tier_id) references billing.tiers (id)
);

create index memberships_tier_id_user_id_idx on billing.memberships (tier_id, user_id);
create index memberships_until_idx on billing.memberships (until) where until is not null;

alter table billing.memberships replica identity full;
alter table billing.tiers replica identity full;

alter publication portico_live add table billing.memberships, billing.tiers;

-- What other domains may know: who holds which tier now.
create view published.people_tiers as
select m.user_id, t.key as tier
from billing.memberships m
join billing.tiers t on t.id = m.tier_id
where m.until is null or m.until > now();

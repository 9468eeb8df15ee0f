-- How a session was opened, and when its owner last proved who they are: what is sensitive
-- asks for a recent proof.
alter table identity.sessions
    add column method text not null default 'password',
    add column authenticated_at timestamptz not null default now();

update identity.sessions set authenticated_at = created_at;

-- Which purposes there are stands in the code that makes the tokens.
alter table identity.one_time_tokens drop constraint one_time_tokens_purpose_check;

-- What happened at the doors: shown to staff, told to owners. Never a secret.
create table identity.security_events (
    id uuid not null,
    kind text not null,
    -- Whose account; nobody's when the address has none.
    user_id uuid,
    -- What was typed, where it led to no account.
    identifier text,
    address text,
    device text,
    data jsonb not null default '{}',
    created_at timestamptz not null default now(),
    constraint security_events_pkey primary key (id),
    constraint security_events_user_id_fkey foreign key (user_id) references identity.users (id) on delete set null
);

create index security_events_created_at_idx on identity.security_events (created_at desc, id desc);
create index security_events_user_id_idx on identity.security_events (user_id, created_at desc, id desc)
    where user_id is not null;
create index security_events_kind_idx on identity.security_events (kind, created_at desc, id desc);

-- Browsers that an account was used from. The token lies in a cookie.
create table identity.known_devices (
    id uuid not null,
    user_id uuid not null,
    hash bytea not null,
    device text not null,
    address text not null,
    -- The network the address belongs to: one address in IPv4, a /64 in IPv6.
    network text not null,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    -- Until then its owner is not asked for the second factor here.
    remembered_until timestamptz,
    constraint known_devices_pkey primary key (id),
    constraint known_devices_hash_key unique (hash),
    constraint known_devices_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create index known_devices_user_id_idx on identity.known_devices (user_id, last_seen_at desc);

-- Time-based one-time passwords (RFC 6238). The secret is sealed by the vault.
create table identity.totp (
    user_id uuid not null,
    secret_sealed text not null,
    -- Counts only once its owner has shown that their app has it.
    confirmed_at timestamptz,
    -- The last time step whose code was taken: no code is taken twice.
    last_step bigint,
    created_at timestamptz not null default now(),
    constraint totp_pkey primary key (user_id),
    constraint totp_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

-- Codes for who lost the second factor: each works once. Keyed hashes.
create table identity.recovery_codes (
    user_id uuid not null,
    hash bytea not null,
    created_at timestamptz not null default now(),
    used_at timestamptz,
    constraint recovery_codes_pkey primary key (user_id, hash),
    constraint recovery_codes_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

-- Sign-ins that wait for their second factor.
create table identity.challenges (
    hash bytea not null,
    user_id uuid not null,
    method text not null,
    attempts smallint not null default 0,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint challenges_pkey primary key (hash),
    constraint challenges_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create index challenges_user_id_idx on identity.challenges (user_id);
create index challenges_expires_at_idx on identity.challenges (expires_at);

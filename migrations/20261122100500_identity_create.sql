create schema identity;

create table identity.users (
    id uuid not null,
    email text not null,
    -- The address as it is compared: trimmed, NFKC, lower case.
    email_key text not null,
    email_verified_at timestamptz,
    name text not null,
    status text not null default 'active',
    demo boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint users_pkey primary key (id),
    constraint users_email_key_key unique (email_key),
    constraint users_status_check check (status in ('invited', 'active', 'suspended'))
);

create index users_created_at_idx on identity.users (created_at desc, id desc);
create index users_name_idx on identity.users (lower(name), id);
create index users_demo_idx on identity.users (id) where demo;

create table identity.profiles (
    user_id uuid not null,
    display_name text,
    time_zone text not null default 'UTC',
    locale text not null default 'en',
    completed_at timestamptz,
    constraint profiles_pkey primary key (user_id),
    constraint profiles_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create table identity.passwords (
    user_id uuid not null,
    -- A PHC string: algorithm, cost, salt and hash.
    hash text not null,
    changed_at timestamptz not null default now(),
    constraint passwords_pkey primary key (user_id),
    constraint passwords_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create table identity.roles (
    name text not null,
    title text not null,
    permissions text[] not null,
    -- Staff land in the admin, members at home.
    staff boolean not null,
    built_in boolean not null default false,
    constraint roles_pkey primary key (name)
);

insert into identity.roles (name, title, permissions, staff, built_in) values
    ('owner', 'Owner', array['*'], true, true),
    ('admin', 'Admin', array[
        'users.read', 'users.write', 'roles.write', 'updates.read', 'updates.publish', 'billing.read', 'billing.write',
        'files.read', 'files.write', 'audit.read', 'system.read', 'system.manage'], true, true),
    ('support', 'Support', array['users.read', 'users.write', 'updates.read', 'billing.read', 'files.read'], true, true),
    ('billing', 'Billing', array['users.read', 'billing.read', 'billing.write'], true, true),
    ('editor', 'Editor', array['users.read', 'updates.read', 'updates.publish'], true, true),
    ('member', 'Member', array[]::text[], false, true);

create table identity.user_roles (
    user_id uuid not null,
    role text not null,
    granted_at timestamptz not null default now(),
    granted_by uuid,
    constraint user_roles_pkey primary key (user_id, role),
    constraint user_roles_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade,
    constraint user_roles_role_fkey foreign key (role) references identity.roles (name)
);

create index user_roles_role_idx on identity.user_roles (role, user_id);

create table identity.sessions (
    id uuid not null,
    user_id uuid not null,
    device text not null,
    address text not null,
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    -- The absolute end; idle time is counted from last_seen_at.
    expires_at timestamptz not null,
    ended_at timestamptz,
    ended_because text,
    constraint sessions_pkey primary key (id),
    constraint sessions_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create index sessions_user_id_idx on identity.sessions (user_id, last_seen_at desc) where ended_at is null;

-- Refresh tokens of a session, a family: each is used once and has its successor made.
create table identity.refresh_tokens (
    hash bytea not null,
    session_id uuid not null,
    -- The token that was traded for this one: absent on the first of a session.
    parent bytea,
    created_at timestamptz not null default now(),
    used_at timestamptz,
    constraint refresh_tokens_pkey primary key (hash),
    constraint refresh_tokens_session_id_fkey foreign key (session_id) references identity.sessions (id) on delete cascade
);

create index refresh_tokens_session_id_idx on identity.refresh_tokens (session_id);
create index refresh_tokens_parent_idx on identity.refresh_tokens (parent) where parent is not null;

-- One-time tokens sent by mail or printed: only their hashes are kept.
create table identity.one_time_tokens (
    hash bytea not null,
    purpose text not null,
    user_id uuid,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint one_time_tokens_pkey primary key (hash),
    constraint one_time_tokens_purpose_check check (purpose in ('verify_email', 'setup')),
    constraint one_time_tokens_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create index one_time_tokens_user_id_idx on identity.one_time_tokens (user_id, purpose);

-- Keys that sign access tokens. The private half is sealed by the vault.
create table identity.signing_keys (
    kid text not null,
    private_sealed text not null,
    public_jwk jsonb not null,
    created_at timestamptz not null default now(),
    retired_at timestamptz,
    constraint signing_keys_pkey primary key (kid)
);

-- Online or away, from real sockets.
create table identity.presence (
    user_id uuid not null,
    online boolean not null,
    last_seen_at timestamptz not null,
    constraint presence_pkey primary key (user_id),
    constraint presence_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create index presence_online_idx on identity.presence (user_id) where online;

-- Deletes and moved-away rows must carry what the rules of live tables look at.
alter table identity.users replica identity full;

alter publication portico_live add table identity.users, identity.presence;

-- What other domains may know about people.
create view published.people as
select u.id, u.name, u.email, u.status, u.demo, u.created_at, u.email_verified_at is not null as verified
from identity.users u;

create view published.people_roles as
select r.user_id, r.role
from identity.user_roles r;

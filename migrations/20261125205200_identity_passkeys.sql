-- Passkeys: the public halves. Nothing here opens anything.
create table identity.passkeys (
    id uuid not null,
    user_id uuid not null,
    -- The authenticator's own name for the key, unique in the world.
    credential_id bytea not null,
    -- As its owner calls it.
    name text not null,
    -- The public key with its counter and its flags, as the ceremony's library keeps them.
    credential jsonb not null,
    -- Whether its owner's devices share it.
    synced boolean not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    constraint passkeys_pkey primary key (id),
    constraint passkeys_credential_id_key unique (credential_id),
    constraint passkeys_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create index passkeys_user_id_idx on identity.passkeys (user_id, created_at);

-- Questions that wait for an answer: each is answered once and forgotten soon.
create table identity.ceremonies (
    hash bytea not null,
    purpose text not null,
    -- Who asked; nobody yet at a sign-in.
    user_id uuid,
    state jsonb not null,
    expires_at timestamptz not null,
    constraint ceremonies_pkey primary key (hash),
    constraint ceremonies_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create index ceremonies_expires_at_idx on identity.ceremonies (expires_at);
create index ceremonies_user_id_idx on identity.ceremonies (user_id) where user_id is not null;

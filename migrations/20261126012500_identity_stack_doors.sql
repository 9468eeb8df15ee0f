-- A passkey works at one address only. Null: at this server's own; else at the page of an app that signs people in
-- by the Stack Auth protocol, where it was made. Only a key of our own address can answer our own questions.
alter table identity.passkeys add column place text;

-- The protocol names a link by an id, and lets its owner say what the account there is for.
alter table identity.provider_accounts
    add column id uuid not null default gen_random_uuid(),
    add column allow_sign_in boolean not null default true,
    add column allow_connected_accounts boolean not null default true,
    add constraint provider_accounts_id_key unique (id);

-- A secret key is followed by the next without an outage: the one before works until it is taken back.
alter table identity.stack_project
    add column secret_key_made_at timestamptz not null default now(),
    add column previous_key_hash bytea,
    add column previous_key_last_four text,
    add column previous_key_made_at timestamptz;

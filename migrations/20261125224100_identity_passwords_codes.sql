-- Passwords that an account had before: none of the last few is taken again.
create table identity.password_history (
    user_id uuid not null,
    hash text not null,
    created_at timestamptz not null default now(),
    constraint password_history_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create index password_history_user_id_idx on identity.password_history (user_id, created_at desc);

-- Somebody asked for a mail that lets them in: the same row whether the address has an account
-- or not. What is mailed is decided by a job, so that nobody learns it from the answer.
create table identity.mail_requests (
    id uuid not null,
    purpose text not null,
    email_key text not null,
    -- The browser that asked, by the hash of what its cookie holds: a code counts only there.
    browser bytea,
    device text not null,
    address text not null,
    -- Set by the job: whose code it is, and the code as a keyed hash.
    user_id uuid,
    code bytea,
    attempts smallint not null default 0,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint mail_requests_pkey primary key (id),
    constraint mail_requests_browser_key unique (browser),
    constraint mail_requests_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create index mail_requests_expires_at_idx on identity.mail_requests (expires_at);
create index mail_requests_user_id_idx on identity.mail_requests (user_id) where user_id is not null;

-- The browser that registered is signed in by the link that proves the address; another is not.
alter table identity.pending_registrations add column browser bytea;

-- A key is published before it signs, so that whoever keeps a copy of the key set has it when the
-- first token comes.
alter table identity.signing_keys add column activated_at timestamptz;

update identity.signing_keys set activated_at = created_at;

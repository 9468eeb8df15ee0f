-- A change of address counts once whoever reads the old one and whoever reads the new one have
-- both agreed. Kept afterwards, so that it can be undone for a while.
create table identity.email_changes (
    id uuid not null,
    user_id uuid not null,
    old_email text not null,
    new_email text not null,
    new_email_key text not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    old_confirmed_at timestamptz,
    new_confirmed_at timestamptz,
    done_at timestamptz,
    -- Given up, overtaken by another, or undone.
    ended_at timestamptz,
    constraint email_changes_pkey primary key (id),
    constraint email_changes_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create index email_changes_user_id_idx on identity.email_changes (user_id, created_at desc);
-- One at a time.
create unique index email_changes_open_idx on identity.email_changes (user_id)
    where done_at is null and ended_at is null;

alter table identity.one_time_tokens
    add column email_change_id uuid,
    add constraint one_time_tokens_email_change_id_fkey
        foreign key (email_change_id) references identity.email_changes (id) on delete cascade;

create index one_time_tokens_email_change_id_idx on identity.one_time_tokens (email_change_id)
    where email_change_id is not null;

-- The pictures of people, in two sizes. The bytes are files.
create table identity.avatars (
    user_id uuid not null,
    large uuid not null,
    small uuid not null,
    changed_at timestamptz not null default now(),
    constraint avatars_pkey primary key (user_id),
    constraint avatars_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

-- Copies of all that concerns a person, made for that person.
create table identity.data_exports (
    id uuid not null,
    user_id uuid not null,
    created_at timestamptz not null default now(),
    -- How many parts of the house were asked, of how many.
    done integer not null default 0,
    total integer not null,
    file_id uuid,
    size bigint,
    finished_at timestamptz,
    expires_at timestamptz,
    constraint data_exports_pkey primary key (id),
    constraint data_exports_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create index data_exports_user_id_idx on identity.data_exports (user_id, created_at desc);
create index data_exports_expires_at_idx on identity.data_exports (expires_at) where file_id is not null;

-- Who asked for their own account to be deleted: signing in takes it back.
create table identity.departures (
    user_id uuid not null,
    requested_at timestamptz not null default now(),
    constraint departures_pkey primary key (user_id),
    constraint departures_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

-- Parts of names and addresses are found by index where PostgreSQL has trigrams; without them
-- a search still works, by reading.
do $$
declare
    place text;
begin
    if exists (select from pg_available_extensions where name = 'pg_trgm') then
        create extension if not exists pg_trgm with schema kernel;
        -- A hosted database may have it elsewhere already.
        select n.nspname into place
        from pg_extension e
        join pg_namespace n on n.oid = e.extnamespace
        where e.extname = 'pg_trgm';
        execute format(
            'create index users_search_idx on identity.users using gin ((lower(name) || E''\n'' || email_key) %I.gin_trgm_ops)',
            place);
    end if;
end
$$;

create index users_unverified_idx on identity.users (created_at desc, id desc) where email_verified_at is null;

-- A list as somebody wants to find it again: its filter, order and columns as the page's address.
create table identity.saved_views (
    id uuid not null,
    owner uuid not null,
    title text not null,
    query text not null,
    shared boolean not null default false,
    created_at timestamptz not null default now(),
    constraint saved_views_pkey primary key (id),
    constraint saved_views_owner_fkey foreign key (owner) references identity.users (id) on delete cascade
);

create index saved_views_owner_idx on identity.saved_views (owner, lower(title));
create index saved_views_shared_idx on identity.saved_views (lower(title)) where shared;

-- One act on many people. Who is meant is settled when it is asked for, so that the number
-- that was confirmed is the number that is acted on.
create table identity.bulk_runs (
    id uuid not null,
    actor uuid not null,
    -- The rights with which it was asked for: it never has more.
    permissions text[] not null,
    action text not null,
    -- A role's name or a reason.
    argument text,
    total integer not null,
    done integer not null default 0,
    refused integer not null default 0,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    constraint bulk_runs_pkey primary key (id),
    constraint bulk_runs_actor_fkey foreign key (actor) references identity.users (id) on delete cascade
);

create index bulk_runs_actor_idx on identity.bulk_runs (actor, id desc);

create table identity.bulk_items (
    run_id uuid not null,
    user_id uuid not null,
    -- Null until its turn; `done`, or the code of the refusal.
    outcome text,
    detail text,
    constraint bulk_items_pkey primary key (run_id, user_id),
    constraint bulk_items_run_id_fkey foreign key (run_id) references identity.bulk_runs (id) on delete cascade,
    constraint bulk_items_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create index bulk_items_open_idx on identity.bulk_items (run_id, user_id) where outcome is null;

alter publication portico_live add table identity.bulk_runs;

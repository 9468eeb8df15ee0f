create schema if not exists kernel;
create schema if not exists published;

-- What happened, in the writer's transaction. Partitioned by month, so that old months
-- can be archived and dropped without touching the rest.
create table kernel.events (
    id bigint generated always as identity,
    occurred_at timestamptz not null default now(),
    name text not null,
    actor uuid,
    subject uuid,
    data jsonb not null default '{}',
    constraint events_pkey primary key (occurred_at, id)
) partition by range (occurred_at);

create index events_name_occurred_at_idx on kernel.events (name, occurred_at desc);
create index events_subject_occurred_at_idx on kernel.events (subject, occurred_at desc) where subject is not null;

-- Catches what no month holds. It should stay empty: `portico doctor` looks at it.
create table kernel.events_default partition of kernel.events default;

-- Makes the partitions from this month to `ahead` months on; answers how many were new.
create function kernel.make_event_partitions(today date, ahead integer) returns integer
language plpgsql as $$
declare
    first_day date;
    partition text;
    made integer := 0;
begin
    for n in 0..ahead loop
        first_day := (date_trunc('month', today) + make_interval(months => n))::date;
        partition := 'events_' || to_char(first_day, 'YYYYMM');
        if to_regclass('kernel.' || partition) is null then
            execute format(
                'create table kernel.%I partition of kernel.events for values from (%L) to (%L)',
                partition, first_day, (first_day + interval '1 month')::date);
            made := made + 1;
        end if;
    end loop;
    return made;
end
$$;

select kernel.make_event_partitions(current_date, 3);

-- Who did what. Append-only; each row's MAC covers the one before it.
create table kernel.audit (
    seq bigint not null,
    at timestamptz not null,
    actor uuid,
    action text not null,
    subject text not null,
    -- `json`, not `jsonb`: the MAC is over these very bytes.
    data json not null,
    mac bytea not null,
    constraint audit_pkey primary key (seq)
);

create index audit_at_idx on kernel.audit (at desc);
create index audit_actor_seq_idx on kernel.audit (actor, seq desc);

create table kernel.audit_head (
    one boolean not null default true,
    seq bigint not null,
    mac bytea not null,
    constraint audit_head_pkey primary key (one),
    constraint audit_head_one_check check (one)
);

insert into kernel.audit_head (seq, mac) values (0, '\x');

create function kernel.refuse_change() returns trigger
language plpgsql as $$
begin
    raise exception 'kernel.audit is append-only' using errcode = 'insufficient_privilege';
end
$$;

create trigger audit_append_only
before update or delete or truncate on kernel.audit
for each statement execute function kernel.refuse_change();

-- Jobs that failed for good, kept until somebody retries or dismisses them.
create table kernel.dead_letters (
    id uuid not null,
    job_id bigint not null,
    task text not null,
    payload jsonb not null,
    error text not null,
    attempts integer not null,
    failed_at timestamptz not null default now(),
    constraint dead_letters_pkey primary key (id),
    constraint dead_letters_job_id_key unique (job_id)
);

create index dead_letters_failed_at_idx on kernel.dead_letters (failed_at desc, id desc);

-- How far a long job has come.
create table kernel.job_progress (
    id uuid not null,
    task text not null,
    done bigint not null default 0,
    total bigint,
    note text not null default '',
    finished_at timestamptz,
    updated_at timestamptz not null default now(),
    constraint job_progress_pkey primary key (id)
);

-- Rate limits shared by all nodes (generic cell rate algorithm: one instant a key).
create unlogged table kernel.rate_limits (
    key text not null,
    full_at timestamptz not null,
    constraint rate_limits_pkey primary key (key)
);

create index rate_limits_full_at_idx on kernel.rate_limits (full_at);

-- Small facts about the installation that must survive a restart.
create table kernel.settings (
    key text not null,
    value jsonb not null,
    updated_at timestamptz not null default now(),
    constraint settings_pkey primary key (key)
);

create publication portico_live;

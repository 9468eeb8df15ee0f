create schema hosted_stack;

-- Orders what was looked up there: of two looks at one person, the one that began later counts.
create sequence hosted_stack.looks;

-- The one hosted project that is trusted, where it is not named in the configuration file.
create table hosted_stack.project (
    one boolean not null default true,
    project_id uuid not null,
    api_url text not null,
    -- Sealed by the vault; the webhook secrets as one JSON list.
    server_key_sealed text not null,
    webhook_secrets_sealed text not null,
    sign_up boolean not null,
    link_verified_email boolean not null,
    -- What gives which role: [{kind, name, value, role}].
    rules jsonb not null,
    updated_by uuid,
    updated_at timestamptz not null,
    constraint project_pkey primary key (one),
    constraint project_one_check check (one)
);

-- People of the hosted project, and whom they are here.
create table hosted_stack.people (
    project_id uuid not null,
    hosted_id uuid not null,
    user_id uuid,
    -- The last look that was applied; an earlier one that comes later changes nothing.
    look bigint not null default 0,
    -- Roles that a rule gave: what nobody else gave is taken again by the rule.
    roles text[] not null default '{}',
    -- Suspended here because they are there.
    suspended boolean not null default false,
    -- Why they have no account, or what could not be taken over.
    refused text,
    seen_run uuid,
    applied_at timestamptz,
    gone_at timestamptz,
    created_at timestamptz not null default now(),
    constraint people_pkey primary key (project_id, hosted_id)
);

create unique index people_user_id_key on hosted_stack.people (user_id) where user_id is not null;

-- Webhooks as they came, each once.
create table hosted_stack.inbox (
    id text not null,
    kind text not null,
    hosted_id uuid,
    body text not null,
    state text not null default 'waiting',
    attempts integer not null default 0,
    problem text,
    sent_at timestamptz not null,
    received_at timestamptz not null,
    settled_at timestamptz,
    constraint inbox_pkey primary key (id),
    constraint inbox_state_check check (state in ('waiting', 'applied', 'ignored', 'failed'))
);

create index inbox_received_at_id_idx on hosted_stack.inbox (received_at desc, id desc);
create index inbox_hosted_id_idx on hosted_stack.inbox (hosted_id) where hosted_id is not null;
create index inbox_state_idx on hosted_stack.inbox (state) where state in ('waiting', 'failed');

-- Comparisons of everybody there with everybody here.
create table hosted_stack.runs (
    id uuid not null,
    mends boolean not null,
    asked_by uuid,
    started_at timestamptz not null,
    finished_at timestamptz,
    -- Where the next page begins, so that a run that was cut off goes on.
    cursor text,
    seen bigint not null default 0,
    missing_here bigint not null default 0,
    missing_there bigint not null default 0,
    differing bigint not null default 0,
    mended bigint not null default 0,
    problem text,
    constraint runs_pkey primary key (id)
);

create unique index runs_running_key on hosted_stack.runs ((true)) where finished_at is null;

create table hosted_stack.drift (
    run_id uuid not null,
    hosted_id uuid not null,
    user_id uuid,
    kind text not null,
    name text,
    email text,
    -- [{field, here, there}]
    fields jsonb not null default '[]',
    mended boolean not null,
    problem text,
    constraint drift_pkey primary key (run_id, hosted_id),
    constraint drift_run_id_fkey foreign key (run_id) references hosted_stack.runs (id) on delete cascade,
    constraint drift_kind_check check (kind in ('missing_here', 'missing_there', 'differs'))
);

create index drift_user_id_idx on hosted_stack.drift (user_id) where user_id is not null;
create index drift_hosted_id_idx on hosted_stack.drift (hosted_id);

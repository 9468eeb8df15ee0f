-- A file of people on its way in: staged whole, looked at, and taken over in one transaction
-- or not at all.
create table identity.imports (
    id uuid not null,
    actor uuid not null,
    file_name text not null,
    columns text[] not null,
    rows integer not null,
    -- staged, checked, running, done or failed
    state text not null default 'staged',
    -- Which column holds the address, the name and the role; counted from 0.
    email_column integer,
    name_column integer,
    role_column integer,
    -- What who names no role gets.
    default_role text,
    good integer,
    faulty integer,
    invite boolean not null default false,
    made integer,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    constraint imports_pkey primary key (id),
    constraint imports_actor_fkey foreign key (actor) references identity.users (id) on delete cascade,
    constraint imports_state_check check (state in ('staged', 'checked', 'running', 'done', 'failed'))
);

create index imports_created_at_idx on identity.imports (created_at);

create table identity.import_rows (
    import_id uuid not null,
    -- The line of the file, from 2: the first holds the names of the columns.
    line integer not null,
    cells text[] not null,
    email text,
    email_key text,
    name text,
    role text,
    -- Why it cannot be taken over: a stable code.
    problem text,
    user_id uuid,
    constraint import_rows_pkey primary key (import_id, line),
    constraint import_rows_import_id_fkey foreign key (import_id) references identity.imports (id) on delete cascade
);

create index import_rows_email_key_idx on identity.import_rows (import_id, email_key) where email_key is not null;

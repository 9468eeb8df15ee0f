create schema updates;

create table updates.updates (
    id uuid not null,
    author_id uuid not null,
    title text not null,
    body text not null,
    -- Whom it addresses, as written: {"kind": "everyone"} …
    audience jsonb not null,
    -- What the reader is asked to do: null, or what the button says.
    action_label text,
    demo boolean not null default false,
    published_at timestamptz not null default now(),
    -- Kept by the verbs, so that a list never counts recipients.
    recipient_count bigint not null default 0,
    delivered_count bigint not null default 0,
    read_count bigint not null default 0,
    acknowledged_count bigint not null default 0,
    constraint updates_pkey primary key (id)
);

create index updates_published_at_idx on updates.updates (published_at desc, id desc);

create table updates.recipients (
    update_id uuid not null,
    user_id uuid not null,
    published_at timestamptz not null,
    delivered_at timestamptz,
    read_at timestamptz,
    acknowledged_at timestamptz,
    constraint recipients_pkey primary key (update_id, user_id),
    constraint recipients_update_id_fkey foreign key (update_id) references updates.updates (id) on delete cascade
);

-- The feed of one reader, newest first.
create index recipients_user_id_published_at_idx on updates.recipients (user_id, published_at desc, update_id desc);
create index recipients_user_id_unread_idx on updates.recipients (user_id) where read_at is null;

alter table updates.recipients replica identity full;

alter publication portico_live add table updates.updates, updates.recipients;

-- Messages of private channels that are kept for those who come later.
create schema realtime;

create table realtime.messages (
    id uuid not null,
    topic text not null,
    event text not null,
    payload bytea not null,
    -- False for JSON.
    is_binary boolean not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint messages_pkey primary key (id)
);

-- The newest of a channel; ids are in the order of time.
create index messages_topic_id_idx on realtime.messages (topic, id);
create index messages_expires_at_idx on realtime.messages (expires_at);

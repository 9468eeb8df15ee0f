-- Who is connected to which server, so that a server's death ends what it had open and no more.
create table identity.presence_servers (
    server text not null,
    beat_at timestamptz not null,
    constraint presence_servers_pkey primary key (server)
);

create table identity.presence_connections (
    user_id uuid not null,
    server text not null,
    away boolean not null,
    constraint presence_connections_pkey primary key (user_id, server),
    constraint presence_connections_user_id_fkey
        foreign key (user_id) references identity.users (id) on delete cascade,
    constraint presence_connections_server_fkey
        foreign key (server) references identity.presence_servers (server) on delete cascade
);

create index presence_connections_server_idx on identity.presence_connections (server);

-- Online, with pages open of which none is looked at.
alter table identity.presence add column away boolean not null default false;

-- What somebody asked for when they registered: nothing of it counts until the link that was
-- mailed for this very registration is followed. So nobody can leave a password of theirs in
-- an account and wait for the owner of the address to prove it.
create table identity.pending_registrations (
    id uuid not null,
    user_id uuid not null,
    name text not null,
    password_hash text not null,
    created_at timestamptz not null default now(),
    constraint pending_registrations_pkey primary key (id),
    constraint pending_registrations_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create index pending_registrations_user_id_idx on identity.pending_registrations (user_id, created_at desc);

alter table identity.one_time_tokens
    add column registration_id uuid,
    add constraint one_time_tokens_registration_id_fkey
        foreign key (registration_id) references identity.pending_registrations (id) on delete cascade;

create index one_time_tokens_registration_id_idx on identity.one_time_tokens (registration_id)
    where registration_id is not null;

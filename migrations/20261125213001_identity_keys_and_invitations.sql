-- Keys for machines. Only hashes are kept; the prefix is what people tell them apart by.
create table identity.api_keys (
    id uuid not null,
    name text not null,
    prefix text not null,
    hash bytea not null,
    -- Never more than its maker may do at the time of each call.
    permissions text[] not null,
    made_by uuid not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    last_address text,
    revoked_at timestamptz,
    constraint api_keys_pkey primary key (id),
    constraint api_keys_hash_key unique (hash),
    constraint api_keys_made_by_fkey foreign key (made_by) references identity.users (id) on delete cascade
);

create index api_keys_made_by_idx on identity.api_keys (made_by);

-- Who was asked to join: the account is there already, and opens when its link is followed.
create table identity.invitations (
    id uuid not null,
    user_id uuid not null,
    invited_by uuid,
    created_at timestamptz not null default now(),
    -- When the latest mail was asked for, and until when its link works.
    sent_at timestamptz,
    expires_at timestamptz not null,
    accepted_at timestamptz,
    constraint invitations_pkey primary key (id),
    constraint invitations_user_id_key unique (user_id),
    constraint invitations_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade,
    constraint invitations_invited_by_fkey foreign key (invited_by) references identity.users (id) on delete set null
);

create index invitations_open_idx on identity.invitations (id desc) where accepted_at is null;

update identity.roles set permissions = permissions || array['api_keys.write'] where name = 'admin';

create index security_events_address_idx on identity.security_events (address, created_at desc) where address is not null;

-- The audit log is seen live by those who may read it.
alter publication portico_live add table kernel.audit;

-- The Stack Auth wire protocol: what only it knows of people. Whatever the first-party API knows too
-- (address, name, password, second factor, roles, sessions) stays where it is.

-- The one project that this server is to its SDKs.
create table identity.stack_project (
    singleton boolean not null default true,
    -- Random (version 4): nobody else may know a project of this id.
    id uuid not null,
    -- Public: it stands in web pages.
    publishable_key text not null,
    secret_key_hash bytea not null,
    -- For the operator, who asks on the machine itself.
    secret_key_sealed text not null,
    created_at timestamptz not null default now(),
    constraint stack_project_pkey primary key (singleton),
    constraint stack_project_singleton_check check (singleton)
);

create table identity.stack_teams (
    id uuid not null,
    display_name text not null,
    profile_image_url text,
    client_metadata jsonb,
    client_read_only_metadata jsonb,
    server_metadata jsonb,
    created_at timestamptz not null default now(),
    constraint stack_teams_pkey primary key (id)
);

create table identity.stack_users (
    user_id uuid not null,
    -- The account's name was made from its address, because nobody has said one yet.
    nameless boolean not null default false,
    profile_image_url text,
    client_metadata jsonb,
    client_read_only_metadata jsonb,
    server_metadata jsonb,
    selected_team_id uuid,
    -- May sign in with a code or link sent to the address.
    otp_auth_enabled boolean not null default false,
    restricted_details text,
    constraint stack_users_pkey primary key (user_id),
    constraint stack_users_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade,
    constraint stack_users_selected_team_id_fkey foreign key (selected_team_id) references identity.stack_teams (id) on delete set null
);

-- One a session: the SDKs cannot take a new one, so it does not rotate.
create table identity.stack_refresh_tokens (
    hash bytea not null,
    session_id uuid not null,
    impersonation boolean not null default false,
    -- What used it last, to notice when another does.
    agent text not null,
    network text not null,
    constraint stack_refresh_tokens_pkey primary key (hash),
    constraint stack_refresh_tokens_session_id_key unique (session_id),
    constraint stack_refresh_tokens_session_id_fkey foreign key (session_id) references identity.sessions (id) on delete cascade
);

-- Codes that were mailed, and attempts that wait for a second factor.
create table identity.stack_codes (
    id uuid not null,
    kind text not null,
    hash bytea not null,
    -- The part that the asker's device keeps while its owner types the rest.
    nonce_hash bytea,
    user_id uuid,
    email text,
    data jsonb not null default '{}',
    attempts smallint not null default 0,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint stack_codes_pkey primary key (id),
    constraint stack_codes_hash_key unique (hash),
    constraint stack_codes_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create index stack_codes_nonce_hash_idx on identity.stack_codes (nonce_hash) where nonce_hash is not null;
create index stack_codes_user_id_idx on identity.stack_codes (user_id, kind);
create index stack_codes_expires_at_idx on identity.stack_codes (expires_at);

-- Addresses of a person: the primary one is the account's own, which alone says whether it is proved.
create table identity.stack_contact_channels (
    id uuid not null,
    user_id uuid not null,
    value text not null,
    value_key text not null,
    verified_at timestamptz,
    used_for_auth boolean not null default false,
    created_at timestamptz not null default now(),
    constraint stack_contact_channels_pkey primary key (id),
    constraint stack_contact_channels_user_id_value_key_key unique (user_id, value_key),
    constraint stack_contact_channels_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create unique index stack_contact_channels_value_key_idx on identity.stack_contact_channels (value_key) where used_for_auth;

create table identity.stack_team_members (
    team_id uuid not null,
    user_id uuid not null,
    display_name text,
    profile_image_url text,
    created_at timestamptz not null default now(),
    constraint stack_team_members_pkey primary key (team_id, user_id),
    constraint stack_team_members_team_id_fkey foreign key (team_id) references identity.stack_teams (id) on delete cascade,
    constraint stack_team_members_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

create index stack_team_members_user_id_idx on identity.stack_team_members (user_id, team_id);

create table identity.stack_team_permissions (
    team_id uuid not null,
    user_id uuid not null,
    permission text not null,
    constraint stack_team_permissions_pkey primary key (team_id, user_id, permission),
    constraint stack_team_permissions_member_fkey foreign key (team_id, user_id)
        references identity.stack_team_members (team_id, user_id) on delete cascade
);

-- Keys that people and teams of an app give to their own machines; the app asks whose they are.
create table identity.stack_api_keys (
    id uuid not null,
    hash bytea not null,
    last_four text not null,
    user_id uuid,
    team_id uuid,
    description text not null,
    is_public boolean not null default false,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    constraint stack_api_keys_pkey primary key (id),
    constraint stack_api_keys_hash_key unique (hash),
    constraint stack_api_keys_owner_check check ((user_id is null) <> (team_id is null)),
    constraint stack_api_keys_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade,
    constraint stack_api_keys_team_id_fkey foreign key (team_id) references identity.stack_teams (id) on delete cascade
);

create index stack_api_keys_user_id_idx on identity.stack_api_keys (user_id) where user_id is not null;
create index stack_api_keys_team_id_idx on identity.stack_api_keys (team_id) where team_id is not null;

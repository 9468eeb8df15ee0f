-- Accounts at providers that sign people in here. The subject is the provider's own name for
-- somebody and never reused; the address is only what they last said.
create table identity.provider_accounts (
    provider text not null,
    subject text not null,
    user_id uuid not null,
    email text,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    constraint provider_accounts_pkey primary key (provider, subject),
    constraint provider_accounts_user_id_provider_key unique (user_id, provider),
    constraint provider_accounts_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

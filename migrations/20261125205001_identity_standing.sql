-- How an account stands, beyond active: suspended with a reason, or in the trash until it is erased.
alter table identity.users
    drop constraint users_status_check,
    add constraint users_status_check check (status in ('invited', 'active', 'suspended', 'deleted')),
    add column suspended_at timestamptz,
    add column suspended_reason text,
    add column deleted_at timestamptz,
    -- What a restore from the trash goes back to.
    add column status_before text,
    -- All that names the person is gone; the row stays, because others point at it.
    add column erased_at timestamptz;

create index users_deleted_at_idx on identity.users (deleted_at) where status = 'deleted' and erased_at is null;
create index users_status_created_at_idx on identity.users (status, created_at desc, id desc);

-- What staff note about a person, for each other.
create table identity.notes (
    id uuid not null,
    user_id uuid not null,
    author uuid,
    body text not null,
    created_at timestamptz not null default now(),
    constraint notes_pkey primary key (id),
    constraint notes_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade,
    constraint notes_author_fkey foreign key (author) references identity.users (id) on delete set null
);

create index notes_user_id_idx on identity.notes (user_id, id desc);

alter table identity.roles
    add column description text not null default '',
    add column created_at timestamptz not null default now();

update identity.roles set description = case name
    when 'owner' then 'May do everything, also what is added later.'
    when 'admin' then 'Runs the place day by day: people, updates, billing, the system.'
    when 'support' then 'Helps members: sees and minds their accounts.'
    when 'billing' then 'Minds prices, subscriptions and payments.'
    when 'editor' then 'Writes and sends updates.'
    when 'member' then 'Reads what is meant for them and minds their own account.'
    else '' end;

-- Who did something to this person: the log filtered by subject, and a person's timeline.
create index audit_subject_seq_idx on kernel.audit (subject, seq desc);
create index audit_action_seq_idx on kernel.audit (action, seq desc);

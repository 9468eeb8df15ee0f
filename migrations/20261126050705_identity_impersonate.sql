-- Staff in a member's place: who, in whose, why, until when, and whether they may change anything.
create table identity.impersonations (
    id uuid not null,
    user_id uuid not null,
    by_user uuid not null,
    -- It lives no longer than the session it was begun in.
    by_session uuid,
    -- Nothing once the person was erased: it may name them.
    reason text,
    mode text not null,
    token_hash bytea not null,
    started_at timestamptz not null default now(),
    expires_at timestamptz not null,
    ended_at timestamptz,
    ended_how text,
    -- When its end was written into the audit log, which only the server can.
    noted_at timestamptz,
    constraint impersonations_pkey primary key (id),
    constraint impersonations_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade,
    constraint impersonations_by_user_fkey foreign key (by_user) references identity.users (id) on delete cascade,
    constraint impersonations_by_session_fkey foreign key (by_session)
        references identity.sessions (id) on delete set null,
    constraint impersonations_mode_check check (mode in ('read', 'write')),
    constraint impersonations_not_oneself_check check (by_user <> user_id)
);

-- One at a time in a session.
create unique index impersonations_by_session_key on identity.impersonations (by_session) where ended_at is null;
create index impersonations_open_idx on identity.impersonations (by_user, user_id) where ended_at is null;
create index impersonations_user_id_idx on identity.impersonations (user_id, id desc);
create index impersonations_not_noted_idx on identity.impersonations (expires_at) where noted_at is null;

-- The person sees it live; neither the token nor the reason leaves the table.
create unique index impersonations_identity_key on identity.impersonations (id, user_id);
alter table identity.impersonations replica identity using index impersonations_identity_key;
alter publication portico_live add table identity.impersonations
    (id, user_id, by_user, mode, started_at, expires_at, ended_at);

-- Whatever ends a session, closes an account or changes what somebody may do, by whichever verb or by hand, ends the
-- impersonations that it concerns in the same transaction.
create function identity.end_impersonations_of_session() returns trigger
language plpgsql
as $$
begin
    update identity.impersonations set ended_at = now(), ended_how = 'session_over'
    where by_session = new.id and ended_at is null;
    return null;
end
$$;

create trigger sessions_ended_end_impersonations after update on identity.sessions
    for each row when (old.ended_at is null and new.ended_at is not null)
    execute function identity.end_impersonations_of_session();

create function identity.end_impersonations_of_user() returns trigger
language plpgsql
as $$
begin
    update identity.impersonations set ended_at = now(), ended_how = 'account_closed'
    where new.id in (by_user, user_id) and ended_at is null;
    return null;
end
$$;

create trigger users_closed_end_impersonations after update on identity.users
    for each row when (old.status is distinct from new.status and new.status <> 'active')
    execute function identity.end_impersonations_of_user();

create function identity.end_impersonations_of_roles() returns trigger
language plpgsql
as $$
begin
    update identity.impersonations i set ended_at = now(), ended_how = 'rights_changed'
    where i.ended_at is null and exists (select from changed c where c.user_id in (i.by_user, i.user_id));
    return null;
end
$$;

create trigger user_roles_inserted_end_impersonations after insert on identity.user_roles
    referencing new table as changed
    for each statement execute function identity.end_impersonations_of_roles();

create trigger user_roles_deleted_end_impersonations after delete on identity.user_roles
    referencing old table as changed
    for each statement execute function identity.end_impersonations_of_roles();

create function identity.end_impersonations_of_role() returns trigger
language plpgsql
as $$
begin
    update identity.impersonations i set ended_at = now(), ended_how = 'rights_changed'
    where i.ended_at is null and exists (
        select from identity.user_roles r where r.role = new.name and r.user_id in (i.by_user, i.user_id)
    );
    return null;
end
$$;

create trigger roles_changed_end_impersonations after update on identity.roles
    for each row when (old.permissions is distinct from new.permissions)
    execute function identity.end_impersonations_of_role();

-- Every node forgets it at the commit, and closes its sockets.
create function identity.tell_impersonation_over() returns trigger
language plpgsql
as $$
begin
    perform pg_notify('portico_cache', json_build_object('cache', 'identity.impersonations', 'key', new.id)::text);
    return null;
end
$$;

create trigger impersonations_ended_tell_caches after update on identity.impersonations
    for each row when (old.ended_at is null and new.ended_at is not null)
    execute function identity.tell_impersonation_over();

-- Owners hold everything; whoever runs the place day by day holds this too. Support does not.
update identity.roles set permissions = permissions || array['users.impersonate'] where name = 'admin';

-- What was done in somebody's place belongs to the copy of their data.
create index audit_on_behalf_of_seq_idx on kernel.audit ((data -> 'via' ->> 'on_behalf_of'), seq desc)
    where data -> 'via' ->> 'on_behalf_of' is not null;

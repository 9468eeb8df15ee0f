-- What a person is told about themselves is asked at every page and changes rarely, so servers keep it. Whoever changes
-- it, by whatever verb or by hand, tells them here: the notice goes out at the commit, to every server.
create function identity.tell_account_caches() returns trigger
language plpgsql
as $$
begin
    if (select count(*) from (select from changed limit 101) as few) > 100 then
        -- A key that names nobody: everything is forgotten.
        perform pg_notify('portico_cache', '{"cache":"identity.accounts","key":"*"}');
    elsif tg_argv[0] = 'id' then
        perform pg_notify('portico_cache', json_build_object('cache', 'identity.accounts', 'key', id)::text) from changed;
    else
        perform pg_notify('portico_cache', json_build_object('cache', 'identity.accounts', 'key', user_id)::text)
        from changed;
    end if;
    return null;
end
$$;

create trigger users_updated_tell_caches after update on identity.users
    referencing new table as changed
    for each statement execute function identity.tell_account_caches('id');

create trigger profiles_updated_tell_caches after update on identity.profiles
    referencing new table as changed
    for each statement execute function identity.tell_account_caches('user_id');

create trigger user_roles_inserted_tell_caches after insert on identity.user_roles
    referencing new table as changed
    for each statement execute function identity.tell_account_caches('user_id');

create trigger user_roles_deleted_tell_caches after delete on identity.user_roles
    referencing old table as changed
    for each statement execute function identity.tell_account_caches('user_id');

-- A role belongs to many.
create function identity.tell_all_account_caches() returns trigger
language plpgsql
as $$
begin
    perform pg_notify('portico_cache', '{"cache":"identity.accounts","key":"*"}');
    return null;
end
$$;

create trigger roles_changed_tell_caches after update or delete on identity.roles
    for each statement execute function identity.tell_all_account_caches();

-- A beginning knows how its person stands, so that a search among the suspended reads one stretch of an index too; and
-- beginnings stand by name as well, for a list that is ordered so.

drop trigger users_added_keep_words on identity.users;
drop trigger users_changed_keep_words on identity.users;

-- Made anew instead of changed: nothing is left behind of three million rows, and indexes are built once.
alter table identity.user_words rename to user_words_before;
alter table identity.user_words_before rename constraint user_words_pkey to user_words_before_pkey;
alter table identity.user_words_before rename constraint user_words_user_id_fkey to user_words_before_user_id_fkey;
alter index identity.user_words_user_id_idx rename to user_words_before_user_id_idx;

create table identity.user_words (
    word text collate "C" not null,
    user_id uuid not null,
    created_at timestamptz not null,
    name_key text not null,
    status text not null
);

insert into identity.user_words (word, user_id, created_at, name_key, status)
select w.word, w.user_id, w.created_at, w.name_key, u.status
from identity.user_words_before w
join identity.users u on u.id = w.user_id;

drop table identity.user_words_before;

alter table identity.user_words
    add constraint user_words_pkey primary key (word, created_at, user_id) include (name_key, status),
    add constraint user_words_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade;

create index user_words_user_id_idx on identity.user_words (user_id);
-- Few are suspended, of whom many begin alike.
create index user_words_suspended_idx on identity.user_words (word, created_at, user_id) include (name_key)
    where status = 'suspended';
-- Who begins with the same three letters, by name.
create index user_words_start_idx on identity.user_words (left(word, 3), name_key, user_id);

analyze identity.user_words;

create or replace function identity.keep_words_of_new() returns trigger language plpgsql as $$
begin
    insert into identity.user_words (word, user_id, created_at, name_key, status)
    select word, u.id, u.created_at, lower(u.name), u.status
    from added u
    cross join lateral identity.search_words(u.name, u.email_key) as word
    where u.status <> 'deleted' and u.erased_at is null;
    return null;
end
$$;

create or replace function identity.keep_words() returns trigger language plpgsql as $$
begin
    delete from identity.user_words where user_id = new.id;
    insert into identity.user_words (word, user_id, created_at, name_key, status)
    select word, new.id, new.created_at, lower(new.name), new.status
    from identity.search_words(new.name, new.email_key) as word
    where new.status <> 'deleted' and new.erased_at is null;
    return null;
end
$$;

create trigger users_added_keep_words after insert on identity.users
    referencing new table as added for each statement execute function identity.keep_words_of_new();

create trigger users_changed_keep_words after update on identity.users
    for each row when (
        old.name is distinct from new.name or old.email_key is distinct from new.email_key
        or old.created_at is distinct from new.created_at or old.status is distinct from new.status
        or (old.erased_at is null) is distinct from (new.erased_at is null)
    ) execute function identity.keep_words();

-- Who was erased is in no list: without them, how many there are is read from an index alone.
drop index identity.users_status_created_at_idx;
create index users_status_created_at_idx on identity.users (status, created_at desc, id desc) where erased_at is null;
drop index identity.users_unverified_idx;
create index users_unverified_idx on identity.users (created_at desc, id desc) include (status)
    where email_verified_at is null and erased_at is null;

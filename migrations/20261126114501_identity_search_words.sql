-- A search finds people by how their name or address begins, or a word of it does. A million people have millions of
-- such beginnings: each stands here with all that a list is ordered by, so that who matches is read from one stretch of
-- one index, without a look at a single person.

-- A name and an address from each of its words on, with one blank for what lies between words, without the last part
-- of the address (nearly everybody's is the same), and without those with which another begins: it is found just as well.
create function identity.search_words(name text, email_key text) returns setof text
language sql immutable parallel safe as $$
    with texts as (
        select string_to_array(btrim(regexp_replace(text, '[^[:alnum:]]+', ' ', 'g')), ' ') as words
        from (values (lower(name)), (regexp_replace(email_key, '\.[^.@]*$', ''))) as texts (text)
    ), beginnings as (
        select distinct left(array_to_string(words[at:], ' '), 40) collate "C" as word
        from texts
        cross join generate_subscripts(words, 1) as at
    )
    select b.word from beginnings b
    where b.word <> ''
        and not exists (select from beginnings longer where longer.word <> b.word and starts_with(longer.word, b.word))
$$;

-- Of everybody who is not in the trash.
create table identity.user_words (
    word text collate "C" not null,
    user_id uuid not null,
    created_at timestamptz not null,
    name_key text not null,
    constraint user_words_pkey primary key (word, created_at, user_id) include (name_key),
    constraint user_words_user_id_fkey foreign key (user_id) references identity.users (id) on delete cascade
);

insert into identity.user_words (word, user_id, created_at, name_key)
select word, u.id, u.created_at, lower(u.name)
from identity.users u
cross join lateral identity.search_words(u.name, u.email_key) as word
where u.status <> 'deleted' and u.erased_at is null;

create index user_words_user_id_idx on identity.user_words (user_id);

analyze identity.user_words;

create function identity.keep_words_of_new() returns trigger language plpgsql as $$
begin
    insert into identity.user_words (word, user_id, created_at, name_key)
    select word, u.id, u.created_at, lower(u.name)
    from added u
    cross join lateral identity.search_words(u.name, u.email_key) as word
    where u.status <> 'deleted' and u.erased_at is null;
    return null;
end
$$;

create function identity.keep_words() returns trigger language plpgsql as $$
begin
    delete from identity.user_words where user_id = new.id;
    insert into identity.user_words (word, user_id, created_at, name_key)
    select word, new.id, new.created_at, lower(new.name)
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
        or old.created_at is distinct from new.created_at
        or (old.status = 'deleted') is distinct from (new.status = 'deleted')
        or (old.erased_at is null) is distinct from (new.erased_at is null)
    ) execute function identity.keep_words();

-- What counts as a second factor: an app that was proved, or a passkey of this host. A passkey that was made at another
-- address of ours answers only there.
create view identity.second_factors as
select user_id from identity.totp where confirmed_at is not null
union all
select user_id from identity.passkeys where place is null;

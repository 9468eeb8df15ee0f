-- What the change stream is read from where PostgreSQL's own log cannot be (wal_level is not logical). Made at the start of a server
-- that needs it, removed by the next that does not: no installation carries it unused.

create schema if not exists realtime;

create table if not exists realtime.journal (
    id bigint generated always as identity primary key,
    xid xid8 not null default pg_current_xact_id(),
    at timestamptz not null default clock_timestamp(),
    relation oid not null,
    kind text not null,
    old text,
    new text
);
create index if not exists journal_xid_idx on realtime.journal (xid);

-- What has been told, and in which portions: the same for every server, and after a restart.
create table if not exists realtime.journal_portions (
    place bigint primary key,
    last_id bigint not null,
    before xid8 not null,
    at timestamptz not null default clock_timestamp()
);

create or replace function realtime.write_journal() returns trigger
    language plpgsql
    security definer
    set search_path = pg_catalog
    set timezone = 'UTC'
    set datestyle = 'ISO'
    set intervalstyle = 'postgres'
    set bytea_output = 'hex'
    set extra_float_digits = 3
as $$
begin
    if tg_level = 'STATEMENT' then
        insert into realtime.journal (relation, kind) values (tg_relid, 'T');
    elsif tg_op = 'INSERT' then
        insert into realtime.journal (relation, kind, new) values (tg_relid, 'I', new::text);
    elsif tg_op = 'UPDATE' then
        insert into realtime.journal (relation, kind, old, new) values (tg_relid, 'U', old::text, new::text);
    else
        insert into realtime.journal (relation, kind, old) values (tg_relid, 'D', old::text);
    end if;
    -- Only wakes the reader: what it finds is what counts. Said once a transaction, however often.
    perform pg_notify('portico_journal', '');
    return null;
end
$$;

create schema shop;
create table shop.orders (
    id int primary key,
    owner uuid,
    title text,
    tags text[] not null default '{a,"b c"}',
    price numeric(10, 2) not null default 1.50,
    open boolean not null default true,
    data jsonb not null default '{"k": [1]}',
    created_at timestamptz not null default '2026-11-22 10:00:00.5+00'
);
alter table shop.orders replica identity full;
create table shop.news (id bigint primary key, body text);
create table shop.secrets (id int primary key);
create publication test_live for table shop.orders, shop.news, shop.secrets;

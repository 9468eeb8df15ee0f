-- How far a file has come that is being taken over. Written beside the one transaction that makes the people, which
-- nobody sees before it is over; so it refers to nothing that this transaction holds, and a crash may forget it.
create unlogged table identity.import_progress (
    import_id uuid not null,
    through integer not null,
    noted_at timestamptz not null default now(),
    constraint import_progress_pkey primary key (import_id)
);

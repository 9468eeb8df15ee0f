-- Files that people uploaded: what is known of them. Their bytes lie in the object store, under the id.
-- A row is written when its bytes are whole, so a file that can be seen can be read.
create table kernel.files (
    id uuid not null,
    owner uuid not null,
    purpose text not null,
    name text not null,
    -- Found in the content, never what the sender claimed.
    media_type text not null,
    size bigint not null,
    sha256 bytea not null,
    created_at timestamptz not null default now(),
    -- Kept for a while after this, then swept together with the bytes.
    deleted_at timestamptz,
    constraint files_pkey primary key (id),
    constraint files_purpose_check check (char_length(purpose) between 1 and 60),
    constraint files_name_check check (char_length(name) between 1 and 200),
    constraint files_size_check check (size > 0),
    constraint files_sha256_check check (octet_length(sha256) = 32)
);

create index files_owner_id_idx on kernel.files (owner, id desc) where deleted_at is null;
create index files_deleted_at_idx on kernel.files (deleted_at) where deleted_at is not null;

-- Sessions that stand for one at a hosted project are found by it when it ends there.
create index sessions_hosted_idx on identity.sessions (method, id)
    where ended_at is null and method like 'hosted:%';

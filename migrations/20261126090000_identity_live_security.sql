-- The security page is live: which devices are signed in, and what happened to the ways in. Of neither does more leave
-- its table than whose it is, what kind and when.
create unique index sessions_identity_key on identity.sessions (id, user_id);
alter table identity.sessions replica identity using index sessions_identity_key;
alter publication portico_live add table identity.sessions (id, user_id, created_at, ended_at);
alter publication portico_live add table identity.security_events (id, user_id, kind, created_at);

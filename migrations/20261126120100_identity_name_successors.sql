-- A browser that proves again who its owner is goes on with another session. Where it proves it twice at once, from two
-- tabs, the second comes with the tokens of the session before, and is given those of the one that follows. No foreign
-- key: which session followed matters for half a minute.
alter table identity.sessions add column replaced_by uuid;

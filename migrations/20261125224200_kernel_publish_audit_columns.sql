-- The codes of the audit chain are for its verification: no socket hears them.

alter publication portico_live drop table kernel.audit;
alter publication portico_live add table kernel.audit (seq, at, actor, action, subject, data);

-- Who said what is kept: so much of each, however many channels they say it on. Null for what was kept before.
alter table realtime.messages add column sender uuid;
create index messages_sender_id_idx on realtime.messages (sender, id);

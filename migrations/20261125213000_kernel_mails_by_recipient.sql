-- What went to one address: for the copy of somebody's data, and for forgetting them.
create index mails_recipient_idx on kernel.mails (lower(recipient));

-- Where somebody was going when they were asked to sign in: the link in the mail leads there.
alter table identity.mail_requests add column next text;

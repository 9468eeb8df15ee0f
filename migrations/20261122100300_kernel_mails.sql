-- Mail that was asked for: written in the transaction of its cause, delivered by a job.
create table kernel.mails (
    id uuid not null,
    cause text not null,
    recipient text not null,
    subject text not null,
    -- Null once sent by SMTP: a body holds one-time links, and none may outlive its use here.
    html text,
    body_text text,
    -- Whether the bodies are encrypted by the vault.
    sealed boolean not null,
    state text not null default 'queued',
    attempts integer not null default 0,
    error text,
    created_at timestamptz not null default now(),
    -- While `sending`: when the attempt has certainly ended, so that a later one knows a dead process from a busy one.
    lease_until timestamptz,
    sent_at timestamptz,
    constraint mails_pkey primary key (id),
    -- One cause, one mail, for good.
    constraint mails_cause_key unique (cause),
    constraint mails_cause_check check (char_length(cause) between 1 and 200),
    constraint mails_recipient_check check (char_length(recipient) between 3 and 254),
    constraint mails_state_check check (state in ('queued', 'sending', 'sent', 'caught', 'failed', 'uncertain')),
    constraint mails_lease_check check ((state = 'sending') = (lease_until is not null)),
    constraint mails_sent_check check ((state in ('sent', 'caught')) = (sent_at is not null)),
    constraint mails_bodies_check check (
        case
            when state = 'sent' then html is null and body_text is null
            else html is not null and body_text is not null
        end
    )
);

-- The viewer's search: what an address begins with, newest first.
create index mails_recipient_id_idx on kernel.mails (lower(recipient) text_pattern_ops, id desc);
-- What an operator must look at.
create index mails_unsettled_idx on kernel.mails (state, id) where state not in ('sent', 'caught');

-- What staff have a mail say in the place of our own words. Read in the transaction of each mail.
create table kernel.mail_words (
    template text not null,
    words jsonb not null,
    -- Counts changes, so that two who change it at once do not overwrite each other unseen.
    version integer not null,
    changed_by uuid not null,
    changed_at timestamptz not null default now(),
    constraint mail_words_pkey primary key (template),
    constraint mail_words_template_check check (char_length(template) between 1 and 60)
);

-- A subject that holds a one-time code lies sealed like the body, and goes with it; `subject`
-- then shows dots in the code's place.
alter table kernel.mails add column subject_sealed text;

alter table kernel.mails add constraint mails_subject_check
    check (state <> 'sent' or subject_sealed is null);

-- Codes that were mailed before are long over: what is left of them in lists is not needed.
update kernel.mails set subject = regexp_replace(subject, '[0-9]{6}', '••••••')
where state = 'sent' and subject ~ '\m[0-9]{6}\M';

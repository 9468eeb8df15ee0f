-- Pictures are part of what people are told about themselves.
create trigger avatars_inserted_tell_caches after insert on identity.avatars
    referencing new table as changed
    for each statement execute function identity.tell_account_caches('user_id');

create trigger avatars_updated_tell_caches after update on identity.avatars
    referencing new table as changed
    for each statement execute function identity.tell_account_caches('user_id');

create trigger avatars_deleted_tell_caches after delete on identity.avatars
    referencing old table as changed
    for each statement execute function identity.tell_account_caches('user_id');

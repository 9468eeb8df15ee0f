-- Who asks, for the policies of live tables: told by the session, believed because only a role of the server's own tells it.
-- The server itself owns the tables, so the policies bind everybody but it: a role for reports, a hosted database's API.

create function kernel.caller() returns uuid
    language sql stable parallel safe
    return nullif(current_setting('portico.caller', true), '')::uuid;

create function kernel.caller_can(permission text) returns boolean
    language sql stable parallel safe
    return kernel.caller() is not null
        and permission = any (string_to_array(current_setting('portico.permissions', true), ','));

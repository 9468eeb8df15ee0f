-- Up to when the provider's list of events was read whole: what is missing is looked for from
-- there, and not from the latest web hook, which may have overtaken one that never came.
alter table billing.provider_endpoints add column looked_at timestamptz;

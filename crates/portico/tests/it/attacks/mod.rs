//! What an attacker would try, against the whole server: others' ids, fields and addresses
//! that were never offered, forms on other sites, and questions that tell who is here.
//!
//! Tokens that only look like ours are in `tokens`, sessions that were planted in `passwords`,
//! limits in `sessions` and `passwords`.

mod accounts;
mod bodies;
mod ids;

use crate::app::TestApp;
use std::collections::BTreeMap;

/// What changes although nothing was done: counts of attempts, the log of refusals, and when
/// somebody was last here.
const ASIDE: &[&str] = &[
    "kernel.rate_limits",
    "kernel.job_progress",
    "identity.security_events",
];

/// Every table of the domains, and a digest of all that is in it.
async fn contents(app: &TestApp) -> BTreeMap<String, String> {
    let tables: Vec<String> = app
        .value(
            "select array_agg(schemaname || '.' || tablename order by 1) from pg_tables
            where schemaname not in ('pg_catalog', 'information_schema', 'graphile_worker')",
        )
        .await;
    let mut all = BTreeMap::new();
    for table in tables
        .into_iter()
        .filter(|table| !ASIDE.contains(&table.as_str()))
    {
        let digest: String = app
            .value(&format!(
                "select md5(coalesce(string_agg(t::text, E'\\n' order by t::text), '')) from {table} t"
            ))
            .await;
        all.insert(table, digest);
    }
    all
}

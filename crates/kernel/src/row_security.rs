//! The rules of live tables a second time, as row-level security in PostgreSQL.
//!
//! Who may see a row over a socket is said once, beside each domain's SQL ([`crate::live`]). The
//! same rules are made into policies here at each start, so that they cannot drift apart: whoever
//! reads these tables with a role of their own (for reports, or through a hosted database's API)
//! sees what they would see live, and nothing else. The server owns its tables and is not bound.
//!
//! It grants nothing: a role sees a table only after an operator said so.

use crate::live::{Rule, Table};
use anyhow::Context;
use sqlx::{AssertSqlSafe, Connection, PgPool};

const POLICY: &str = "portico_live";

/// Makes the policies that are missing or say something else; touches nothing that is right.
pub async fn apply(direct: &PgPool, tables: &[Table]) -> anyhow::Result<()> {
    let mut connection = direct
        .acquire()
        .await
        .context("the database does not answer")?;
    let mut tx = connection.begin().await?;
    sqlx::query("select pg_advisory_xact_lock(hashtext('portico row security'))")
        .execute(&mut *tx)
        .await?;
    for table in tables {
        let rule = expression(table);
        let known: Option<String> = sqlx::query_scalar(
            "select obj_description(p.oid, 'pg_policy')
               from pg_policy p
               join pg_class c on c.oid = p.polrelid and c.relrowsecurity
               join pg_namespace n on n.oid = c.relnamespace
              where n.nspname = $1 and c.relname = $2 and p.polname = $3",
        )
        .bind(table.schema)
        .bind(table.name)
        .bind(POLICY)
        .fetch_optional(&mut *tx)
        .await?
        .flatten();
        if known.as_ref() == Some(&rule) {
            continue;
        }
        let (schema, name) = (table.schema, table.name);
        let comment = rule.replace('\'', "''");
        // Names and rules are written in this program; nobody else has a word in them.
        let statements = AssertSqlSafe(format!(
            "alter table {schema}.{name} enable row level security;
             drop policy if exists {POLICY} on {schema}.{name};
             create policy {POLICY} on {schema}.{name} for select using ({rule});
             comment on policy {POLICY} on {schema}.{name} is '{comment}'"
        ));
        sqlx::raw_sql(statements)
            .execute(&mut *tx)
            .await
            .with_context(|| format!("the policy of {schema}.{name}"))?;
    }
    tx.commit().await?;
    Ok(())
}

/// The rules of a table as a condition. The sub-selects are evaluated once a query, not once a row.
fn expression(table: &Table) -> String {
    let rules = table.rules.iter().map(|rule| match rule {
        Rule::Owner { column } => format!("{column} = (select kernel.caller())"),
        Rule::Permission(permission) => {
            format!("(select kernel.caller_can('{}'))", permission.as_str())
        }
        Rule::Everyone => "(select kernel.caller()) is not null".to_owned(),
    });
    let any: Vec<String> = rules.collect();
    if any.is_empty() {
        return "false".to_owned();
    }
    any.join(" or ")
}

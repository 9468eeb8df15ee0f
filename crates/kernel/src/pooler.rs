//! What a transaction pooler between us and the database can do.
//!
//! Queries are prepared once on a connection and then named. PgBouncer carries such names since
//! 1.21, if `max_prepared_statements` is not 0; older ones and some hosted poolers do not, and
//! then a name means another query, or none, as soon as two clients share a connection. Refuses
//! to find that out from the first visitors' errors.

use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};

/// Whose connection answers.
const SERVER: &str = "select pg_backend_pid()";

/// Whether queries that were prepared find their way through this pooler.
pub(crate) async fn carries_statements(pooled: &PgConnectOptions) -> sqlx::Result<bool> {
    let mut one = pooled.connect().await?;
    let mut other = pooled.connect().await?;
    let asked = async {
        sqlx::query_scalar::<_, i32>(SERVER)
            .fetch_one(&mut one)
            .await?;
        // The other takes the connection that was just given back, and keeps it: the same
        // question now has to pass over one that never heard of it.
        sqlx::raw_sql("begin").execute(&mut other).await?;
        sqlx::raw_sql(SERVER).execute(&mut other).await?;
        sqlx::query_scalar::<_, i32>(SERVER)
            .fetch_one(&mut one)
            .await
    }
    .await;
    let carries = match asked {
        Ok(_) => true,
        Err(error) if is_unknown_name(&error) => false,
        Err(error) => return Err(error),
    };
    // Whatever becomes of the connections: the answer stands.
    let _ = sqlx::raw_sql("rollback").execute(&mut other).await;
    let _ = tokio::join!(one.close(), other.close());
    Ok(carries)
}

/// The name is another's, or nobody's.
fn is_unknown_name(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("42P05" | "26000"))
}

//! Databases for tests: one is migrated, the others are copies of it.
//!
//! A name says whose it is by the number of its process, so that what a killed run left
//! behind is found and dropped, and a run beside this one is left alone.

use kernel::{
    Clock,
    database::{self, Addresses, Database},
    jobs::{Handlers, Worker},
    tasks::Tasks,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use std::{path::Path, sync::Once, time::Duration};
use tokio::sync::OnceCell;
use uuid::Uuid;

const PREFIX: &str = "portico_it_";
/// One that prepares at a time, whichever process it is in.
const LOCK: i64 = 0x0070_6f72_7469_636f;

/// The server on which tests make their databases.
pub(crate) fn server() -> PgConnectOptions {
    #[expect(clippy::disallowed_methods, reason = "where tests find their database")]
    let url = std::env::var("PORTICO_TEST_DATABASE_URL");
    url.expect("PORTICO_TEST_DATABASE_URL is not set: run eval \"$(script/db start)\" first")
        .parse()
        .expect("PORTICO_TEST_DATABASE_URL is a PostgreSQL URL")
}

/// What a process needs once: the one TLS provider.
pub(crate) fn prepare_process() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        rustls::crypto::aws_lc_rs::default_provider()
            .install_default()
            .expect("the first provider");
    });
}

/// A database that is dropped at the end.
pub(crate) struct TestDatabase {
    pub(crate) name: String,
    /// The way through a pooler, if one stands before it.
    pub(crate) pooled: Option<PgConnectOptions>,
}

impl TestDatabase {
    /// A copy of the migrated one.
    pub(crate) async fn migrated() -> Self {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        let template = TEMPLATE.get_or_init(make_template).await;
        Self::create(&format!(" template {template}")).await
    }

    /// One with nothing in it.
    pub(crate) async fn empty() -> Self {
        Self::create(" template template0").await
    }

    async fn create(suffix: &str) -> Self {
        prepare_process();
        let name = format!("{PREFIX}{}_{}", std::process::id(), Uuid::now_v7().simple());
        let mut admin = admin().await;
        run(&mut admin, format!("create database {name}{suffix}")).await;
        admin.close().await.unwrap();
        Self { name, pooled: None }
    }

    pub(crate) fn options(&self) -> PgConnectOptions {
        server().database(&self.name)
    }

    pub(crate) fn addresses(&self) -> Addresses {
        let direct = self.options();
        match self.pooled.clone() {
            Some(pooled) => Addresses {
                pooled,
                direct,
                pooler: true,
            },
            None => Addresses::single(direct),
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let name = self.name.clone();
        // A runtime of its own: the test's is waiting for us.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut admin = admin().await;
                drop_database(&mut admin, &name).await;
            });
        });
        if dropped.join().is_err() {
            eprintln!("{} is left over; the next run drops it", self.name);
        }
    }
}

async fn admin() -> PgConnection {
    PgConnection::connect_with(&server())
        .await
        .expect("the test database server answers")
}

async fn run(admin: &mut PgConnection, sql: String) {
    sqlx::query(AssertSqlSafe(sql))
        .execute(admin)
        .await
        .unwrap();
}

/// Drops a database with what is connected to it, its replication slots included.
async fn drop_database(admin: &mut PgConnection, name: &str) {
    sqlx::query(
        "select pg_terminate_backend(active_pid, 10000) from pg_replication_slots \
         where database = $1 and active",
    )
    .bind(name)
    .execute(&mut *admin)
    .await
    .unwrap();
    run(
        admin,
        format!("drop database if exists {name} with (force)"),
    )
    .await;
}

/// Migrates the template, and makes the job queue's own schema. It holds no signing key:
/// each server makes its own.
async fn make_template() -> String {
    prepare_process();
    let mut admin = admin().await;
    sqlx::query("select pg_advisory_lock($1)")
        .bind(LOCK)
        .execute(&mut admin)
        .await
        .unwrap();
    drop_leftovers(&mut admin).await;
    let name = format!("{PREFIX}{}_template", std::process::id());
    run(
        &mut admin,
        format!("create database {name} template template0"),
    )
    .await;
    let addresses = Addresses::single(server().database(&name));
    let db = Database::connect(&addresses, 2).await.unwrap();
    database::migrate(&db, &portico::MIGRATIONS).await.unwrap();
    let tasks = Tasks::new();
    Worker::new(&db, &Clock::system(), Handlers::new(), &tasks)
        .await
        .unwrap();
    tasks.stop(Duration::from_secs(10)).await;
    db.close().await;
    // Nobody may be connected to what is copied.
    run(
        &mut admin,
        format!("alter database {name} with allow_connections false"),
    )
    .await;
    sqlx::query("select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = $1")
        .bind(&name)
        .execute(&mut admin)
        .await
        .unwrap();
    admin.close().await.unwrap();
    name
}

async fn drop_leftovers(admin: &mut PgConnection) {
    let names: Vec<String> =
        sqlx::query_scalar("select datname from pg_database where starts_with(datname, $1)")
            .bind(PREFIX)
            .fetch_all(&mut *admin)
            .await
            .unwrap();
    for name in names {
        let owner = name[PREFIX.len()..].split('_').next().unwrap_or_default();
        // A number that came around belongs to another program by now.
        let alive =
            Path::new("/proc").join(owner).exists() && owner != std::process::id().to_string();
        if !alive {
            drop_database(admin, &name).await;
        }
    }
}

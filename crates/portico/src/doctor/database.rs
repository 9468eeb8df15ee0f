//! What is wrong inside the database, or between it and the rest.

use super::Finding;
use crate::{MIGRATIONS, app, config::Config, health, wiring};
use kernel::{
    database::{self, Database},
    jobs, settings,
    vault::Vault,
};

const PAST_THE_POOLER: &str = "Set DIRECT_DATABASE_URL to the same database past the pooler: \
    migrations, listening and the change stream need a session of their own.";

/// Looks at everything that a connection shows.
pub(super) async fn examine(db: &Database, config: &Config) -> Vec<Finding> {
    let mut findings = server(db).await;
    if findings
        .iter()
        .any(|finding| finding.about == "PostgreSQL" && finding.mend.is_some())
    {
        return findings;
    }
    findings.extend(slots(db, &config.realtime.slot).await);
    findings.push(session(db).await);
    let schema = schema(db).await;
    let whole = schema.mend.is_none();
    findings.push(schema);
    if whole {
        findings.extend(key_file(db, config).await);
        findings.extend(old_keys(db, config).await);
        findings.push(queue(db).await);
        findings.extend(demo_tenant(db, config).await);
    }
    findings.extend(strays(db).await);
    findings
}

async fn server(db: &Database) -> Vec<Finding> {
    let mut findings = Vec::new();
    let setting = |name: &'static str| {
        sqlx::query_scalar::<_, String>("select current_setting($1)")
            .bind(name)
            .fetch_one(db.pool())
    };
    match setting("server_version").await {
        Ok(version) => findings.push(Finding::good("PostgreSQL", version)),
        Err(error) => {
            // The names of prepared statements, mixed up on the way.
            let code = error
                .as_database_error()
                .and_then(sqlx::error::DatabaseError::code);
            let mend = match code.as_deref() {
                Some("42P05" | "26000") => PAST_THE_POOLER,
                _ => "Look into its log.",
            };
            findings.push(Finding::bad("PostgreSQL", error.to_string(), mend));
            return findings;
        }
    }
    findings.push(match setting("wal_level").await.as_deref() {
        Ok("logical") => Finding::good("change stream", "wal_level is logical"),
        Ok(level) => Finding::warning(
            "change stream",
            format!(
                "wal_level is {level}: triggers write changes into a journal, which costs writers"
            ),
            "alter system set wal_level = logical; then restart PostgreSQL.",
        ),
        Err(error) => Finding::bad("change stream", error.to_string(), "Look into its log."),
    });
    findings.push(match setting("fsync").await.as_deref() {
        Ok("on") => Finding::good("durability", "fsync is on"),
        _ => Finding::bad(
            "durability",
            "fsync is off: a power cut loses data",
            "alter system reset fsync;",
        ),
    });
    findings
}

/// The replication slots of all our servers: PostgreSQL gives one up that holds back too much.
async fn slots(db: &Database, own: &str) -> Vec<Finding> {
    let slots = match db.direct().acquire().await {
        Ok(mut connection) => wiring::slots(&mut connection, own).await,
        Err(error) => Err(error.into()),
    };
    let slots = match slots {
        Ok(slots) => slots,
        Err(error) => {
            let found = format!("{error:#}");
            return vec![Finding::bad(
                "replication slot",
                found,
                "Look into its log.",
            )];
        }
    };
    let finding = |slot: &wiring::SlotCondition| {
        let (about, fares) = ("replication slot", slot.summary());
        if slot.lost {
            let mend = "Start its server, which makes it anew and tells every page to read again; \
                        a larger max_slot_wal_keep_size keeps more for a server that is away.";
            Finding::warning(about, fares, mend)
        } else if slot.endangered() && !slot.read {
            let mend = format!(
                "Start the server that reads it (PORTICO_REALTIME__SLOT), or, if it will not come \
                 back: select pg_drop_replication_slot('{}');",
                slot.name
            );
            Finding::warning(about, fares, mend)
        } else if slot.endangered() {
            let mend = "Look for a transaction that stays open (pg_stat_activity) and into the \
                        server's log; a larger max_slot_wal_keep_size keeps more.";
            Finding::warning(about, fares, mend)
        } else {
            Finding::good(about, fares)
        }
    };
    slots.iter().map(finding).collect()
}

/// Past a transaction pooler, if there is one: what needs a session asks there.
async fn session(db: &Database) -> Finding {
    let kept: Result<bool, sqlx::Error> = async {
        let mut direct = db.direct().acquire().await?;
        sqlx::query("set application_name = 'portico doctor'")
            .execute(&mut *direct)
            .await?;
        let name: String = sqlx::query_scalar("select current_setting('application_name')")
            .fetch_one(&mut *direct)
            .await?;
        // A lock of the session is what a pooler takes from us between two transactions.
        let lock = "select pg_try_advisory_lock(hashtext('portico doctor'))";
        let locked: bool = sqlx::query_scalar(lock).fetch_one(&mut *direct).await?;
        let unlock = "select pg_advisory_unlock(hashtext('portico doctor'))";
        let unlocked: bool = sqlx::query_scalar(unlock).fetch_one(&mut *direct).await?;
        direct.close().await?;
        Ok(name == "portico doctor" && locked && unlocked)
    }
    .await;
    let mend = PAST_THE_POOLER;
    match kept {
        Ok(true) if db.is_past_pooler() => Finding::warning(
            "session",
            "the pooler does not carry prepared statements and is passed by",
            "Use PgBouncer 1.21 or later with max_prepared_statements above 0, or leave \
             DIRECT_DATABASE_URL out and let DATABASE_URL lead past the pooler.",
        ),
        Ok(true) => Finding::good("session", "connections are our own"),
        Ok(false) => Finding::bad("session", "a pooler mixes our sessions up", mend),
        Err(error) => Finding::bad("session", error.to_string(), mend),
    }
}

async fn schema(db: &Database) -> Finding {
    match database::schema_state(db.pool(), &MIGRATIONS).await {
        Ok(state) if state.pending == 0 => Finding::good("schema", "up to date"),
        Ok(state) => Finding::warning(
            "schema",
            format!("{} migrations wait", state.pending),
            "They run at the next start, or with `portico migrate`.",
        ),
        Err(error) => Finding::bad("schema", error.to_string(), "Look into the server's log."),
    }
}

/// Whether the key file is the one that this database was written with.
async fn key_file(db: &Database, config: &Config) -> Option<Finding> {
    let mut connection = db.acquire().await.ok()?;
    let known = settings::get(&mut connection, app::VAULT_FINGERPRINT).await;
    let known = known.ok()??;
    let file = config.data.join("vault.keys");
    let mend = "Restore vault.keys from your copy: without it, what it encrypted is lost.";
    if !file.exists() {
        let found = "the key file that this database was written with is missing";
        return Some(Finding::bad("vault", found, mend));
    }
    // One that cannot be read was found before.
    let vault = Vault::load(&config.data).ok()?;
    (known != vault.fingerprint()).then(|| {
        let found = "this database was written with another key file";
        Finding::bad("vault", found, mend)
    })
}

/// What a rotation of the vault has left under older keys.
async fn old_keys(db: &Database, config: &Config) -> Option<Finding> {
    if !config.data.join("vault.keys").exists() {
        return None;
    }
    let prefix = Vault::load(&config.data).ok()?.prefix();
    let left: Result<i64, _> = sqlx::query_scalar(
        r"
        select count(*) from (
            select secret_sealed as sealed from identity.totp
            union all select private_sealed from identity.signing_keys
            union all select secret_key_sealed from identity.stack_project
            union all select server_key_sealed from hosted_stack.project
            union all select webhook_secrets_sealed from hosted_stack.project
            union all select secret_sealed from billing.provider_endpoints
        ) held
        where not starts_with(sealed, $1)
        ",
    )
    .bind(prefix)
    .fetch_one(db.pool())
    .await;
    Some(match left {
        Ok(0) => Finding::good("sealed values", "all under the active key"),
        Ok(left) => Finding::warning(
            "sealed values",
            format!("{left} are under older keys of the vault"),
            "The server brings them under the active one after `portico rotate-vault`, and each \
             night; if it runs, `portico jobs dead` says what keeps it. Keep the old keys.",
        ),
        Err(error) => Finding::bad("sealed values", error.to_string(), "Look into its log."),
    })
}

async fn queue(db: &Database) -> Finding {
    let made = "select to_regclass('graphile_worker._private_jobs') is not null";
    if let Ok(false) = sqlx::query_scalar(made).fetch_one(db.pool()).await {
        return Finding::good("jobs", "a queue, made at the first start");
    }
    let state = match db.acquire().await {
        Ok(mut connection) => jobs::state(&mut connection).await,
        Err(error) => Err(error.into()),
    };
    match state {
        Ok(state) if state.dead > 0 => Finding::warning(
            "jobs",
            format!("{} failed for good", state.dead),
            "`portico jobs dead` shows them and why; `portico jobs retry` tries one again.",
        ),
        Ok(state) if state.oldest_ready_seconds >= health::QUEUE_PATIENCE => Finding::warning(
            "jobs",
            format!("the oldest waits for {:.0} s", state.oldest_ready_seconds),
            "Start the server; if it runs, its log says what keeps the worker.",
        ),
        Ok(state) => Finding::good("jobs", format!("{} waiting, none failed", state.ready)),
        Err(error) => Finding::bad("jobs", error.to_string(), "Look into the server's log."),
    }
}

/// Passwords that everybody knows, where others may come.
async fn demo_tenant(db: &Database, config: &Config) -> Option<Finding> {
    let here: bool = sqlx::query_scalar("select exists (select from identity.users where demo)")
        .fetch_one(db.pool())
        .await
        .ok()?;
    (here && !config.is_local()).then(|| {
        Finding::bad(
            "demo tenant",
            format!("it is here, and {} is not this machine", config.listen),
            "`portico demo remove`, or listen on 127.0.0.1.",
        )
    })
}

async fn strays(db: &Database) -> Vec<Finding> {
    let mut findings = Vec::new();
    let stray: Result<i64, _> = sqlx::query_scalar(
        "select count(*) from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v')",
    )
    .fetch_one(db.pool())
    .await;
    if let Ok(count @ 1..) = stray {
        findings.push(Finding::warning(
            "schemas",
            format!("{count} tables or views in the schema public"),
            "Portico keeps nothing there: on a hosted database that schema may be exposed.",
        ));
    }
    let overdue: Result<bool, _> =
        sqlx::query_scalar("select exists (select from kernel.events_default)")
            .fetch_one(db.pool())
            .await;
    if let Ok(true) = overdue {
        findings.push(Finding::warning(
            "event log",
            "events lie in no month's partition",
            "Start the server so that its daily job makes partitions; then move the rows.",
        ));
    }
    findings
}

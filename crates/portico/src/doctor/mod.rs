//! `portico doctor`: looks at the whole installation and says how to mend each finding.

use crate::{MIGRATIONS, cluster, config::Config};
use kernel::{
    database::{self, Database},
    vault::Vault,
};
use std::{os::unix::fs::PermissionsExt, path::Path};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Good,
    /// Works, and should be looked at.
    Warning,
    /// Does not work.
    Bad,
}

/// One thing looked at.
#[derive(Debug)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at.
    pub about: &'static str,
    /// What was found.
    pub found: String,
    /// How to mend it.
    pub mend: Option<String>,
}

impl Finding {
    fn good(about: &'static str, found: impl Into<String>) -> Self {
        Self {
            level: Level::Good,
            about,
            found: found.into(),
            mend: None,
        }
    }

    fn warning(about: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            about,
            found: found.into(),
            mend: Some(mend.into()),
        }
    }

    fn bad(about: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            level: Level::Bad,
            about,
            found: found.into(),
            mend: Some(mend.into()),
        }
    }
}

/// Looks at everything. Changes nothing, but for a few bytes that it writes where files are
/// kept and removes again; starts the private cluster for a while if no server runs.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![
        data_folder(&config.data),
        vault(&config.data),
        front(config),
        mail(config),
        files(config).await,
    ];
    match cluster::visit(config).await {
        Ok(home) => {
            match Database::connect(&home.addresses, 2).await {
                Ok(db) => {
                    findings.extend(database(&db).await);
                    db.close().await;
                }
                Err(error) => findings.push(Finding::bad(
                    "database",
                    format!("{error:#}"),
                    "Check DATABASE_URL, or look into postgres.log in the data folder.",
                )),
            }
            if let Err(error) = home.close().await {
                findings.push(Finding::warning(
                    "database",
                    format!("{error:#}"),
                    "Look into postgres.log.",
                ));
            }
        }
        Err(error) => findings.push(Finding::bad(
            "database",
            format!("{error:#}"),
            "The message says what is missing; script/setup installs PostgreSQL.",
        )),
    }
    findings
}

fn data_folder(data: &Path) -> Finding {
    match std::fs::metadata(data) {
        Err(_) => Finding::warning(
            "data folder",
            format!("{} is not there yet", data.display()),
            "It is made at the first start.",
        ),
        Ok(meta) if !meta.is_dir() => Finding::bad(
            "data folder",
            format!("{} is no folder", data.display()),
            "Set PORTICO_DATA to a folder.",
        ),
        Ok(_) => Finding::good("data folder", data.display().to_string()),
    }
}

fn vault(data: &Path) -> Finding {
    let file = data.join("vault.keys");
    match std::fs::metadata(&file) {
        Err(_) => Finding::warning("vault", "no key file yet", "It is made at the first start."),
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => Finding::bad(
            "vault",
            "others may read the key file",
            format!("chmod 600 {}", file.display()),
        ),
        Ok(_) => match Vault::load(data) {
            Ok(vault) => Finding::good("vault", format!("keys {}", vault.fingerprint())),
            Err(error) => Finding::bad(
                "vault",
                error.to_string(),
                "Restore vault.keys from your copy.",
            ),
        },
    }
}

fn front(config: &Config) -> Finding {
    let entry = config.front.dir.join(&config.front.entry);
    if entry.exists() {
        Finding::good("front end", entry.display().to_string())
    } else {
        Finding::bad(
            "front end",
            format!("{} is not there", entry.display()),
            "Build it with script/run, or set front.dir to the build.",
        )
    }
}

fn mail(config: &Config) -> Finding {
    match config.mail.transport {
        kernel::mail::TransportKind::Smtp => Finding::good("mail", "sent through the relay"),
        kernel::mail::TransportKind::Capture if config.is_local() => {
            Finding::good("mail", "caught for the viewer at /_mail")
        }
        kernel::mail::TransportKind::Capture => Finding::warning(
            "mail",
            "nobody gets any: mails are only caught for the viewer",
            "Set mail.transport = \"smtp\" and mail.smtp_url.",
        ),
    }
}

async fn files(config: &Config) -> Finding {
    if config.files.s3.is_none() && !config.data.exists() {
        return Finding::good("files", "a folder, made at the first start");
    }
    match kernel::files::probe(&config.data, &config.files).await {
        Ok(place) => Finding::good("files", place),
        Err(error) => Finding::bad(
            "files",
            format!("{error:#}"),
            match config.files.s3 {
                Some(_) => "Mend [files.s3]; until then nobody can send or read a file.",
                None => "Make the folder writable for the user who runs Portico.",
            },
        ),
    }
}

async fn database(db: &Database) -> Vec<Finding> {
    let mut findings = Vec::new();
    let setting = |name: &'static str| {
        sqlx::query_scalar::<_, String>("select current_setting($1)")
            .bind(name)
            .fetch_one(db.pool())
    };
    match setting("server_version").await {
        Ok(version) => findings.push(Finding::good("PostgreSQL", version)),
        Err(error) => {
            findings.push(Finding::bad(
                "PostgreSQL",
                error.to_string(),
                "Look into its log.",
            ));
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
    findings.push(match database::schema_state(db.pool(), &MIGRATIONS).await {
        Ok(state) if state.pending == 0 => Finding::good("schema", "up to date"),
        Ok(state) => Finding::warning(
            "schema",
            format!("{} migrations wait", state.pending),
            "They run at the next start, or with `portico migrate`.",
        ),
        Err(error) => Finding::bad("schema", error.to_string(), "Look into the server's log."),
    });
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

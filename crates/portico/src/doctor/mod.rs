//! `portico doctor`: looks at the whole installation and says how to mend each finding.

mod database;

use crate::{cluster, config::Config, http::serve::Certificate, payments};
use kernel::{database::Database, vault::Vault};
use std::{
    fs::{self, OpenOptions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

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
        payments(config),
        files(config).await,
    ];
    findings.extend(certificate(config).await);
    match cluster::visit(config).await {
        Ok(home) => {
            match Database::connect(&home.addresses, 2).await {
                Ok(db) => {
                    findings.extend(database::examine(&db, config).await);
                    db.close().await;
                }
                Err(error) => findings.push(Finding::bad(
                    "database",
                    format!("{error:#}"),
                    if config.database.url.is_some() {
                        "Check DATABASE_URL, and that its server runs and lets this machine in."
                    } else {
                        "Look into postgres/postgres.log in the data folder."
                    },
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
    // Beside a database that was written with one, a missing key file is no beginning.
    let lost = |finding: &Finding| finding.about == "vault" && finding.level == Level::Bad;
    if findings.iter().any(lost) {
        findings.retain(|finding| finding.about != "vault" || lost(finding));
    }
    findings
}

fn data_folder(data: &Path) -> Finding {
    match fs::metadata(data) {
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
        Ok(_) => match writable(data) {
            Ok(()) => Finding::good("data folder", data.display().to_string()),
            Err(error) => Finding::bad(
                "data folder",
                format!("{} cannot be written to: {error}", data.display()),
                "Let the user who runs Portico write there, or make room on its disk.",
            ),
        },
    }
}

/// Writes some bytes and takes them away again: rights, a full disk, one that is read-only.
fn writable(data: &Path) -> std::io::Result<()> {
    let file = data.join(format!(".doctor-{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&file)
        .and_then(|mut open| std::io::Write::write_all(&mut open, &[b'.'; 4096]));
    match fs::remove_file(&file) {
        Ok(()) => written,
        Err(error) => written.and(Err(error)),
    }
}

/// What https is served with, where we serve it ourselves.
async fn certificate(config: &Config) -> Option<Finding> {
    let files = config.http.tls.as_ref()?;
    Some(match Certificate::load(files).await {
        Ok(_) => Finding::good("certificate", files.cert.display().to_string()),
        Err(error) => Finding::bad(
            "certificate",
            format!("{error:#}"),
            "Set http.tls.cert and http.tls.key to a PEM chain and its key, readable for the \
             user who runs Portico.",
        ),
    })
}

fn vault(data: &Path) -> Finding {
    let file = data.join("vault.keys");
    match fs::metadata(&file) {
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

fn payments(config: &Config) -> Finding {
    match payments::practised(config) {
        Ok(true) => Finding::good("payments", "practised in the sandbox: no money moves"),
        Ok(false) => Finding::good("payments", "off: nothing is sold"),
        Err(error) => Finding::bad(
            "payments",
            error.to_string(),
            "Until then it does not start.",
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

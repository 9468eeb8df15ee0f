//! A real PgBouncer between the server and its database: used if it carries prepared
//! statements, passed by if it would mix them up.

use crate::{
    app::TestApp,
    template::{TestDatabase, server},
};
use futures_util::future::join_all;
use nix::unistd::Uid;
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::{
    fmt::Write as _,
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Part of the socket's name; nothing listens on a port.
const PORT: u16 = 6432;
/// What the database is called on this side of the pooler, and nowhere else.
const THROUGH: &str = "through";

/// A PgBouncer of a test's own.
struct Bouncer {
    process: Child,
    folder: PathBuf,
}

impl Bouncer {
    /// Before this database, with settings of its own.
    fn start(database: &TestDatabase, settings: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("{}_pooler", database.name));
        fs::create_dir(&folder).unwrap();
        // Started by root it runs as another user, like PostgreSQL.
        fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        let at = server();
        let host = at.get_socket().map_or_else(
            || at.get_host().to_owned(),
            |socket| socket.display().to_string(),
        );
        let (port, user, name) = (at.get_port(), at.get_username(), &database.name);
        let mut text = format!("[databases]\n{THROUGH} = ");
        writeln!(text, "host={host} port={port} user={user} dbname={name}").unwrap();
        writeln!(text, "[pgbouncer]\nunix_socket_dir = {}", folder.display()).unwrap();
        writeln!(text, "listen_port = {PORT}\nauth_type = any\n{settings}").unwrap();
        writeln!(text, "ignore_startup_parameters = extra_float_digits").unwrap();
        let config = folder.join("pgbouncer.ini");
        fs::write(&config, text).unwrap();
        let mut command = pgbouncer();
        if Uid::effective().is_root() {
            command.args(["-u", "postgres"]);
        }
        let process = command
            .arg(config)
            .stderr(fs::File::create(folder.join("log")).unwrap())
            .stdin(Stdio::null())
            .spawn()
            .expect("pgbouncer is installed (script/setup test)");
        let bouncer = Self { process, folder };
        bouncer.wait();
        bouncer
    }

    fn wait(&self) {
        let socket = self.folder.join(format!(".s.PGSQL.{PORT}"));
        let deadline = Instant::now() + Duration::from_secs(30);
        while UnixStream::connect(&socket).is_err() {
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "no pooler: {}", log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn address(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.folder)
            .port(PORT)
            .username("anybody")
            .database(THROUGH)
            .ssl_mode(PgSslMode::Disable)
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Debian's lies where not everybody looks.
fn pgbouncer() -> Command {
    let debian = Path::new("/usr/sbin/pgbouncer");
    Command::new(if debian.exists() {
        debian
    } else {
        Path::new("pgbouncer")
    })
}

/// Whether it has learnt to carry prepared statements between transactions.
fn carries_by_itself() -> bool {
    let said = pgbouncer().arg("--version").output().unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let version = said.split_whitespace().nth(1).expect("a version");
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().unwrap());
    (numbers.next(), numbers.next()) >= (Some(1), Some(21))
}

async fn behind(settings: &str) -> (TestApp, Bouncer) {
    let mut database = TestDatabase::migrated().await;
    let bouncer = Bouncer::start(&database, settings);
    database.pooled = Some(bouncer.address());
    (TestApp::over(database, |_| {}).await, bouncer)
}

/// Many people at once, on few connections: each is told what is theirs.
async fn everybody_is_told_what_is_theirs(app: &TestApp) {
    let (ada, ben) = (app.member("ada").await, app.member("ben").await);
    let rounds = (0..20).map(async |_| {
        for person in [&ada, &ben] {
            let name = json!({"display_name": person.email()});
            let said = person.patch("/me", name).await.status(200);
            assert_eq!(said.body["email"], person.email());
            let said = person.get("/feed").await.status(200);
            assert_eq!(said.body["items"], json!([]));
        }
    });
    join_all(rounds).await;
}

#[tokio::test]
async fn a_pooler_that_mixes_prepared_statements_up_is_passed_by() {
    let settings = if carries_by_itself() {
        "pool_mode = transaction\nmax_prepared_statements = 0"
    } else {
        "pool_mode = transaction"
    };
    let (app, bouncer) = behind(settings).await;
    assert!(app.app.db.is_past_pooler());
    // Nothing depends on it any more.
    drop(bouncer);
    everybody_is_told_what_is_theirs(&app).await;
}

#[tokio::test]
async fn a_pooler_that_carries_prepared_statements_is_used() {
    let settings = if carries_by_itself() {
        "pool_mode = transaction\nmax_prepared_statements = 200"
    } else {
        // An older one carries them only for those who keep their connection.
        "pool_mode = session"
    };
    let (app, bouncer) = behind(settings).await;
    assert!(!app.app.db.is_past_pooler());
    everybody_is_told_what_is_theirs(&app).await;
    // The requests depend on it, and nothing leads past it by chance.
    drop(bouncer);
    let said = app.visitor().named("ada").sign_in().await;
    assert!(said.code >= 500, "{}", said.code);
}

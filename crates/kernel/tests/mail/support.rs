//! A database of its own for each test, mailers, a browser of sorts, and a seal that seals.

pub(crate) use crate::sink::{Answer, Sink};

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use axum::Router;
use futures_util::FutureExt;
use kernel::{
    Clock,
    mail::{Address, Mail, MailConfig, MailId, Mailer, Seal, Template, TransportKind, viewer},
};
use secrecy::SecretString;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, PgPool, Row, postgres::PgConnectOptions};
use std::{panic::AssertUnwindSafe, path::Path, sync::Arc};
use time::macros::datetime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A database with all migrations, gone when the test is over, whichever way it ended.
pub(crate) struct Database {
    pub(crate) pool: PgPool,
}

/// What the table says of a mail.
pub(crate) struct Stored {
    pub(crate) state: String,
    pub(crate) attempts: i32,
    pub(crate) error: Option<String>,
    pub(crate) html: Option<String>,
    pub(crate) text: Option<String>,
}

impl Database {
    pub(crate) async fn with(test: impl AsyncFnOnce(Self)) {
        let server: PgConnectOptions = std::env::var("PORTICO_TEST_DATABASE_URL")
            .expect("PORTICO_TEST_DATABASE_URL: eval \"$(script/db start)\"")
            .parse()
            .unwrap();
        let name = format!("test_mail_{}", uuid::Uuid::now_v7().simple());
        let mut control = PgConnection::connect_with(&server).await.unwrap();
        statement(&mut control, format!("create database {name}")).await;
        let pool = PgPool::connect_with(server.database(&name)).await.unwrap();
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
        sqlx::migrate::Migrator::new(migrations)
            .await
            .unwrap()
            .run(&pool)
            .await
            .unwrap();
        let ended = AssertUnwindSafe(test(Self { pool })).catch_unwind().await;
        statement(&mut control, format!("drop database {name} with (force)")).await;
        if let Err(failed) = ended {
            std::panic::resume_unwind(failed);
        }
    }

    pub(crate) async fn row(&self, id: MailId) -> Stored {
        let row = sqlx::query(
            "select state, attempts, error, html, body_text from kernel.mails where id = $1",
        )
        .bind(id)
        .fetch_one(&self.pool)
        .await
        .unwrap();
        Stored {
            state: row.get("state"),
            attempts: row.get("attempts"),
            error: row.get("error"),
            html: row.get("html"),
            text: row.get("body_text"),
        }
    }
}

async fn statement(db: &mut PgConnection, sql: String) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(db)
        .await
        .unwrap();
}

/// Sending, as somebody at portico.example; the relay is still missing.
pub(crate) fn config() -> MailConfig {
    MailConfig {
        transport: TransportKind::Smtp,
        from: Address::parse("hello@portico.example").unwrap(),
        public_url: "https://portico.example/".parse().unwrap(),
        ..MailConfig::default()
    }
}

pub(crate) fn capture() -> MailConfig {
    MailConfig {
        transport: TransportKind::Capture,
        ..config()
    }
}

pub(crate) fn relay(sink: &Sink) -> MailConfig {
    MailConfig {
        smtp_url: Some(SecretString::from(format!(
            "smtp://127.0.0.1:{}",
            sink.port()
        ))),
        ..config()
    }
}

pub(crate) fn fixed_clock() -> Clock {
    Clock::fixed(datetime!(2026-11-22 12:00 UTC))
}

pub(crate) fn mailer(db: &Database, config: MailConfig) -> Mailer {
    Mailer::new(db.pool.clone(), config, None, fixed_clock()).unwrap()
}

pub(crate) fn sealed() -> Arc<TestSeal> {
    Arc::new(TestSeal(
        RandomizedNonceKey::new(&AES_256_GCM, &[7; 32]).unwrap(),
    ))
}

pub(crate) struct TestSeal(RandomizedNonceKey);

impl Seal for TestSeal {
    fn seal(&self, row: uuid::Uuid, plain: &[u8]) -> anyhow::Result<String> {
        let mut text = plain.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(row.as_bytes()), &mut text)?;
        Ok(format!(
            "{}.{}",
            hex::encode(nonce.as_ref()),
            hex::encode(text)
        ))
    }

    fn open(&self, row: uuid::Uuid, sealed: &str) -> anyhow::Result<Vec<u8>> {
        let (nonce, text) = sealed.split_once('.').unwrap();
        let nonce = Nonce::try_assume_unique_for_key(&hex::decode(nonce)?)?;
        let mut text = hex::decode(text)?;
        Ok(self
            .0
            .open_in_place(nonce, Aad::from(row.as_bytes()), &mut text)?
            .to_vec())
    }
}

pub(crate) fn welcome(to: &str) -> Mail {
    Mail {
        cause: format!("welcome:{to}"),
        to: Address::parse(to).unwrap(),
        template: Template::WelcomeVerify,
        vars: json!({"name": "Zoë <b>", "link": "https://portico.example/verify?token=Tk-9_x&v=1"}),
    }
}

pub(crate) async fn enqueue(db: &Database, mailer: &Mailer, mail: &Mail) -> MailId {
    let mut tx = db.pool.begin().await.unwrap();
    let id = mailer.enqueue(&mut tx, mail).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    id
}

pub(crate) async fn resend(db: &Database, mailer: &Mailer, id: MailId) -> kernel::Result<()> {
    let mut tx = db.pool.begin().await.unwrap();
    let done = mailer.resend(&mut tx, id).await;
    tx.commit().await.unwrap();
    done
}

pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .unwrap_or_default()
    }
}

pub(crate) async fn get(mailer: Mailer, path: &str) -> Page {
    request(mailer, path, "127.0.0.1").await
}

/// One request over a real line: the viewer looks at what a browser says in `Host`.
pub(crate) async fn request(mailer: Mailer, path: &str, host: &str) -> Page {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let server = tokio::spawn(async move {
        axum::serve(socket, Router::new().nest("/_mail", viewer::router(mailer))).await
    });
    let mut line = tokio::net::TcpStream::connect(address).await.unwrap();
    let asked = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    line.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).await.unwrap();
    server.abort();
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Page {
        status,
        head: head.to_owned(),
        text: text.to_owned(),
    }
}

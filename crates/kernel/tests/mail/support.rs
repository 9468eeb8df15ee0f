//! A relay on loopback that says what it is told to say, a database of its own for each
//! test, and a seal that really seals.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::FutureExt;
use kernel::{
    Clock,
    mail::{Address, MailConfig, MailId, Mailer, Seal, TransportKind},
};
use secrecy::SecretString;
use sqlx::{Connection, PgConnection, PgPool, Row, postgres::PgConnectOptions};
use std::{
    panic::AssertUnwindSafe,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use time::macros::datetime;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// What the relay does with the n-th mail.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    Accept,
    /// Takes it, then closes the line.
    AcceptAndClose,
    /// This, at RCPT.
    AtRecipient(&'static str),
    /// This, once it has all of it.
    AtEnd(&'static str),
    /// Closes the line at MAIL.
    Silent,
    /// Takes it and closes the line without a word.
    TakeAndVanish,
    /// Takes it and never answers.
    Hold,
}

/// A mail that arrived.
#[derive(Debug, Clone, Default)]
pub struct Received {
    pub from: String,
    pub to: Vec<String>,
    pub data: String,
}

impl Received {
    pub fn head(&self) -> &str {
        self.data.split("\r\n\r\n").next().unwrap()
    }

    /// The decoded part of a type.
    pub fn part(&self, kind: &str) -> String {
        let start = self.data.find(&format!("Content-Type: {kind}")).unwrap();
        let (head, body) = self.data[start..].split_once("\r\n\r\n").unwrap();
        let boundary = self
            .data
            .split_once("boundary=\"")
            .unwrap()
            .1
            .split('"')
            .next()
            .unwrap();
        let body = body.split(&format!("\r\n--{boundary}")).next().unwrap();
        if head.contains("base64") {
            let bytes = STANDARD.decode(body.replace("\r\n", "")).unwrap();
            String::from_utf8(bytes).unwrap()
        } else if head.contains("quoted-printable") {
            unquoted(body)
        } else {
            body.to_owned()
        }
    }
}

/// RFC 2045 §6.7.
fn unquoted(text: &str) -> String {
    let joined = text.replace("=\r\n", "");
    let (mut bytes, mut rest) = (Vec::new(), joined.bytes());
    while let Some(byte) = rest.next() {
        if byte == b'=' {
            let pair = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.extend(hex::decode(pair).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

pub struct Sink {
    port: u16,
    shared: Arc<Shared>,
    listener: tokio::task::JoinHandle<()>,
}

struct Shared {
    script: Box<dyn Fn(usize) -> Answer + Send + Sync>,
    /// Mails begun, which is what the script counts.
    begun: AtomicUsize,
    /// Messages that came in whole, whatever was answered.
    messages: AtomicUsize,
    connections: AtomicUsize,
    taken: Mutex<Vec<Received>>,
    held: Notify,
}

impl Sink {
    pub async fn start(script: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            begun: AtomicUsize::new(0),
            messages: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            taken: Mutex::default(),
            held: Notify::new(),
        });
        let listener = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((line, _)) = socket.accept().await {
                    shared.connections.fetch_add(1, Ordering::SeqCst);
                    let shared = Arc::clone(&shared);
                    // A client that hangs up is no fault of the relay's.
                    tokio::spawn(async move { shared.serve(line).await.ok() });
                }
            }
        });
        Self {
            port,
            shared,
            listener,
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn accepted(&self) -> Vec<Received> {
        self.shared.taken.lock().unwrap().clone()
    }

    pub fn messages(&self) -> usize {
        self.shared.messages.load(Ordering::SeqCst)
    }

    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    pub async fn until_held(&self) {
        self.shared.held.notified().await;
    }

    /// Closes the door: the port answers nobody from here on.
    pub async fn stop(self) {
        self.listener.abort();
        self.listener.await.unwrap_err();
    }
}

impl Shared {
    async fn serve(&self, line: TcpStream) -> std::io::Result<()> {
        let mut line = BufReader::new(line);
        let (mut mail, mut answer) = (Received::default(), Answer::Accept);
        say(&mut line, "220 sink.test ESMTP").await?;
        while let Some(command) = hear(&mut line).await? {
            let (verb, rest) = command.split_once(' ').unwrap_or((&command, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => say(&mut line, "250-sink.test\r\n250-8BITMIME\r\n250 AUTH PLAIN").await?,
                "AUTH" if rest == format!("PLAIN {}", STANDARD.encode("\0ada\0p@ss")) => {
                    say(&mut line, "235 2.7.0 welcome").await?;
                }
                "AUTH" => say(&mut line, "535 5.7.8 wrong password").await?,
                "MAIL" => {
                    answer = (self.script)(self.begun.fetch_add(1, Ordering::SeqCst));
                    if matches!(answer, Answer::Silent) {
                        return Ok(());
                    }
                    mail = Received {
                        from: rest.to_owned(),
                        ..Received::default()
                    };
                    say(&mut line, "250 ok").await?;
                }
                "RCPT" => {
                    mail.to.push(rest.to_owned());
                    say(
                        &mut line,
                        if let Answer::AtRecipient(said) = answer {
                            said
                        } else {
                            "250 ok"
                        },
                    )
                    .await?;
                }
                "DATA" => {
                    say(&mut line, "354 go on").await?;
                    mail.data = data(&mut line).await?;
                    self.messages.fetch_add(1, Ordering::SeqCst);
                    if !matches!(answer, Answer::AtEnd(_) | Answer::Hold) {
                        self.taken.lock().unwrap().push(mail.clone());
                    }
                    match answer {
                        Answer::AtEnd(said) => say(&mut line, said).await?,
                        Answer::TakeAndVanish => return Ok(()),
                        Answer::Hold => {
                            self.held.notify_one();
                            std::future::pending::<()>().await;
                        }
                        Answer::AcceptAndClose => return say(&mut line, "250 taken").await,
                        _ => say(&mut line, "250 taken").await?,
                    }
                }
                "QUIT" => return say(&mut line, "221 bye").await,
                _ => say(&mut line, "250 ok").await?,
            }
        }
        Ok(())
    }
}

async fn say(line: &mut BufReader<TcpStream>, text: &str) -> std::io::Result<()> {
    line.get_mut()
        .write_all(format!("{text}\r\n").as_bytes())
        .await
}

async fn hear(line: &mut BufReader<TcpStream>) -> std::io::Result<Option<String>> {
    let mut text = String::new();
    let heard = line.read_line(&mut text).await?;
    Ok((heard > 0).then(|| text.trim_end_matches("\r\n").to_owned()))
}

/// RFC 5321 §4.5.2: to the lone dot, with the stuffed ones taken out.
async fn data(line: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut all = String::new();
    while let Some(text) = hear(line).await? {
        if text == "." {
            return Ok(all);
        }
        all += text.strip_prefix('.').unwrap_or(&text);
        all += "\r\n";
    }
    Err(std::io::ErrorKind::UnexpectedEof.into())
}

/// A database with all migrations, gone when the test is over, whichever way it ended.
pub struct Database {
    pub pool: PgPool,
}

/// What the table says of a mail.
pub struct Stored {
    pub state: String,
    pub attempts: i32,
    pub error: Option<String>,
    pub html: Option<String>,
    pub text: Option<String>,
}

impl Database {
    pub async fn with(test: impl AsyncFnOnce(Self)) {
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

    pub async fn row(&self, id: MailId) -> Stored {
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
pub fn config() -> MailConfig {
    MailConfig {
        transport: TransportKind::Smtp,
        from: Address::parse("hello@portico.example").unwrap(),
        public_url: "https://portico.example/".parse().unwrap(),
        ..MailConfig::default()
    }
}

pub fn capture() -> MailConfig {
    MailConfig {
        transport: TransportKind::Capture,
        ..config()
    }
}

pub fn relay(sink: &Sink) -> MailConfig {
    MailConfig {
        smtp_url: Some(SecretString::from(format!(
            "smtp://127.0.0.1:{}",
            sink.port()
        ))),
        ..config()
    }
}

pub fn fixed_clock() -> Clock {
    Clock::fixed(datetime!(2026-11-22 12:00 UTC))
}

pub fn mailer(db: &Database, config: MailConfig) -> Mailer {
    Mailer::new(db.pool.clone(), config, None, fixed_clock()).unwrap()
}

pub fn sealed() -> Arc<TestSeal> {
    Arc::new(TestSeal(
        RandomizedNonceKey::new(&AES_256_GCM, &[7; 32]).unwrap(),
    ))
}

pub struct TestSeal(RandomizedNonceKey);

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

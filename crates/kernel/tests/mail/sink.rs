//! A relay on loopback that says what it is told to say.

use base64::{Engine, engine::general_purpose::STANDARD};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// What the relay does with the n-th mail.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
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
pub(crate) struct Received {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) data: String,
}

impl Received {
    pub(crate) fn head(&self) -> &str {
        self.data.split("\r\n\r\n").next().unwrap()
    }

    /// The decoded part of a type.
    pub(crate) fn part(&self, kind: &str) -> String {
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

pub(crate) struct Sink {
    port: u16,
    shared: Arc<Shared>,
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
    pub(crate) async fn start(script: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
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
        tokio::spawn({
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
        Self { port, shared }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn accepted(&self) -> Vec<Received> {
        self.shared.taken.lock().unwrap().clone()
    }

    pub(crate) fn messages(&self) -> usize {
        self.shared.messages.load(Ordering::SeqCst)
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    pub(crate) async fn until_held(&self) {
        self.shared.held.notified().await;
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

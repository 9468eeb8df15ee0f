//! As much of an HTTP/1.1 client as a load generator needs: one request at a time on a
//! connection that stays open. It shares the machine with what it measures, so it does
//! next to nothing: no header is kept, bodies only on demand. Refuses what our servers
//! do not send (a body that ends with its connection).

use anyhow::{Context, bail, ensure};
use std::{net::SocketAddr, path::PathBuf, str::FromStr};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
};

/// Where a server listens: `127.0.0.1:8080`, or the path of a Unix socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        if text.starts_with('/') {
            return Ok(Self::Unix(PathBuf::from(text)));
        }
        let address: SocketAddr = text.parse().context("neither an address nor a socket")?;
        ensure!(address.ip().is_loopback(), "only this machine is measured");
        Ok(Self::Tcp(address))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection, and what it has read too much of.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    read: Vec<u8>,
}

/// An answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and headers, as sent.
    pub(crate) head: Vec<u8>,
    /// Without the framing.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The values of a header.
    pub(crate) fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        lines(&self.head).filter_map(move |line| value_of(line, name))
    }
}

/// A request's bytes; made once, sent many times.
pub(crate) fn request(method: &str, path: &str, headers: &[String], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    if !body.is_empty() {
        text.push_str("content-type: application/json\r\ncontent-length: ");
        text.push_str(&body.len().to_string());
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text.push_str(body);
    text.into_bytes()
}

impl Connection {
    pub(crate) async fn open(address: &Address) -> anyhow::Result<Self> {
        let stream: Box<dyn Stream> = match address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
        };
        Ok(Self {
            stream,
            read: Vec::with_capacity(64 * 1024),
        })
    }

    /// Sends a request and reads its answer into `answer`.
    pub(crate) async fn ask(&mut self, request: &[u8], answer: &mut Answer) -> anyhow::Result<()> {
        self.stream.write_all(request).await?;
        let end = loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await?;
        };
        answer.head.clear();
        answer.head.extend(self.read.drain(..end));
        answer.body.clear();
        answer.status = status(&answer.head)?;
        if matches!(answer.status, 204 | 304) {
            return Ok(());
        }
        let length = answer.headers("content-length").next().map(str::parse);
        if let Some(length) = length {
            return self.take(length?, &mut answer.body).await;
        }
        let chunked = answer
            .headers("transfer-encoding")
            .any(|value| value.eq_ignore_ascii_case("chunked"));
        ensure!(chunked, "an answer without a length");
        self.chunks(&mut answer.body).await
    }

    async fn chunks(&mut self, body: &mut Vec<u8>) -> anyhow::Result<()> {
        loop {
            let end = loop {
                if let Some(end) = self.read.windows(2).position(|two| two == b"\r\n") {
                    break end;
                }
                self.more().await?;
            };
            let line = std::str::from_utf8(&self.read[..end])?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).context("a chunk without a size")?;
            self.read.drain(..end + 2);
            self.take(size, body).await?;
            let mut end = Vec::with_capacity(2);
            self.take(2, &mut end).await?;
            ensure!(end == b"\r\n", "a chunk longer than it said");
            if size == 0 {
                return Ok(());
            }
        }
    }

    async fn take(&mut self, count: usize, into: &mut Vec<u8>) -> anyhow::Result<()> {
        while self.read.len() < count {
            self.more().await?;
        }
        into.extend(self.read.drain(..count));
        Ok(())
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        if self.stream.read_buf(&mut self.read).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}

/// Asks once, on a connection of its own.
pub(crate) async fn once(address: &Address, request: &[u8]) -> anyhow::Result<Answer> {
    let mut answer = Answer::default();
    let mut connection = Connection::open(address).await?;
    connection.ask(request, &mut answer).await?;
    Ok(answer)
}

fn status(head: &[u8]) -> anyhow::Result<u16> {
    let digits = head.get(9..12).context("no status line")?;
    Ok(std::str::from_utf8(digits)?.parse()?)
}

fn lines(head: &[u8]) -> impl Iterator<Item = &str> {
    head.split(|byte| *byte == b'\n')
        .filter_map(|line| std::str::from_utf8(line).ok())
        .map(str::trim_end)
}

fn value_of<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (key, value) = line.split_once(':')?;
    key.eq_ignore_ascii_case(name).then(|| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answered(bytes: &'static [u8]) -> (Answer, Vec<u8>) {
        let (client, mut server) = tokio::io::duplex(64);
        let mut connection = Connection {
            stream: Box::new(client),
            read: Vec::new(),
        };
        let mut answer = Answer::default();
        let (asked, wrote) =
            tokio::join!(connection.ask(b"x", &mut answer), server.write_all(bytes));
        asked.unwrap();
        wrote.unwrap();
        (answer, connection.read)
    }

    #[tokio::test]
    async fn a_length_and_chunks_are_understood() {
        let (answer, rest) =
            answered(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nA: b\r\n\r\nabc").await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"abc"[..]));
        assert_eq!(answer.headers("a").next(), Some("b"));
        assert!(rest.is_empty());
        let chunked = b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n\
            2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n";
        let (answer, rest) = answered(chunked).await;
        assert_eq!((answer.status, answer.body.as_slice()), (404, &b"abc"[..]));
        assert!(rest.is_empty());
    }

    #[test]
    fn only_this_machine_is_asked() {
        assert!("127.0.0.1:1".parse::<Address>().is_ok());
        assert!("192.0.2.1:1".parse::<Address>().is_err());
        assert_eq!(
            "/run/x".parse::<Address>().unwrap(),
            Address::Unix(PathBuf::from("/run/x"))
        );
    }
}

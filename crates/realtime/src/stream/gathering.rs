//! A connection that lets what comes gather while much comes.
//!
//! A busy PostgreSQL sends each transaction's changes one by one, and to be woken for every one of
//! them costs both sides several times what reading it costs: with eight writers at full speed a
//! third of what the stream takes from them. So a connection on which something came a moment ago
//! is taken out of the runtime's sight for a millisecond, and then read once for all of it. One
//! that is quiet is read at once.

use std::{
    io, net,
    os::unix,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
    time::{Instant, Sleep, sleep},
};

/// How long what comes may gather: as fine as the clock of timers is.
const GATHER: Duration = Duration::from_millis(1);
/// Much comes when two reads are no further apart than this.
const BUSY: Duration = Duration::from_millis(3);

/// A connection to PostgreSQL.
#[derive(Debug)]
pub(super) struct Gathering {
    /// None only where taking it out of sight, or back, has failed.
    socket: Option<Socket>,
    resting: Option<Pin<Box<Sleep>>>,
    heard: Instant,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// Out of the runtime's sight.
    RestingTcp(net::TcpStream),
    RestingUnix(unix::net::UnixStream),
}

impl Socket {
    fn rest(self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(socket) => Self::RestingTcp(socket.into_std()?),
            Self::Unix(socket) => Self::RestingUnix(socket.into_std()?),
            resting => resting,
        })
    }

    fn wake(self) -> io::Result<Self> {
        Ok(match self {
            Self::RestingTcp(socket) => Self::Tcp(TcpStream::from_std(socket)?),
            Self::RestingUnix(socket) => Self::Unix(UnixStream::from_std(socket)?),
            awake => awake,
        })
    }
}

impl Gathering {
    /// Connects over TCP, or to the socket in a folder.
    pub(super) async fn connect(host: &str, port: u16) -> io::Result<Self> {
        let socket = if host.starts_with('/') {
            Socket::Unix(UnixStream::connect(format!("{host}/.s.PGSQL.{port}")).await?)
        } else {
            let socket = TcpStream::connect((host, port)).await?;
            socket.set_nodelay(true)?;
            Socket::Tcp(socket)
        };
        Ok(Self {
            socket: Some(socket),
            resting: None,
            heard: Instant::now(),
        })
    }

    /// Lets what comes gather before the next read.
    fn rest(&mut self) -> io::Result<()> {
        let socket = self.socket.take().map(Socket::rest);
        self.socket = socket.transpose()?;
        self.resting = Some(Box::pin(sleep(GATHER)));
        Ok(())
    }

    fn wake(&mut self) -> io::Result<&mut Socket> {
        if self.resting.take().is_some() {
            let socket = self.socket.take().map(Socket::wake);
            self.socket = socket.transpose()?;
        }
        let gone = || io::Error::from(io::ErrorKind::NotConnected);
        self.socket.as_mut().ok_or_else(gone)
    }

    fn poll_socket_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.wake()? {
            Socket::Tcp(socket) => Pin::new(socket).poll_read(context, buffer),
            Socket::Unix(socket) => Pin::new(socket).poll_read(context, buffer),
            Socket::RestingTcp(_) | Socket::RestingUnix(_) => Poll::Pending,
        }
    }
}

impl AsyncRead for Gathering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(resting) = &mut self.resting {
            ready!(resting.as_mut().poll(context));
        }
        let before = buffer.filled().len();
        ready!(self.poll_socket_read(context, buffer))?;
        let now = Instant::now();
        let busy = now.duration_since(self.heard) < BUSY;
        self.heard = now;
        // Where there was more than fits, nothing has to gather; where there was nothing, it ended.
        if busy && buffer.remaining() > 0 && buffer.filled().len() > before {
            self.rest()?;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Gathering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.resting.is_some() {
            // Whoever waits to read waits for the end of the rest, which does not come any more.
            context.waker().wake_by_ref();
        }
        match self.wake()? {
            Socket::Tcp(socket) => Pin::new(socket).poll_write(context, bytes),
            Socket::Unix(socket) => Pin::new(socket).poll_write(context, bytes),
            Socket::RestingTcp(_) | Socket::RestingUnix(_) => Poll::Pending,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Nothing is held back on the way out.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.wake()? {
            Socket::Tcp(socket) => Pin::new(socket).poll_shutdown(context),
            Socket::Unix(socket) => Pin::new(socket).poll_shutdown(context),
            Socket::RestingTcp(_) | Socket::RestingUnix(_) => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    #[tokio::test]
    async fn nothing_is_lost_or_turned_round_whether_it_rests_or_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (near, far) = tokio::join!(Gathering::connect("127.0.0.1", port), listener.accept());
        let (mut near, (mut far, _)) = (near.unwrap(), far.unwrap());
        let said: Vec<u8> = (0_u8..=255).cycle().take(300_000).collect();
        let speaking = async {
            for (nth, bytes) in said.chunks(700).enumerate() {
                far.write_all(bytes).await.unwrap();
                if nth % 50 == 0 {
                    // Whatever is written in between wakes it.
                    assert_eq!(far.read_u8().await.unwrap(), 7);
                }
                tokio::task::yield_now().await;
            }
            far.shutdown().await.unwrap();
        };
        let listening = async {
            let (mut heard, mut answered) = (Vec::new(), 0);
            while near.read_buf(&mut heard).await.unwrap() > 0 {
                while answered * 50 * 700 < heard.len() {
                    near.write_u8(7).await.unwrap();
                    answered += 1;
                }
            }
            heard
        };
        let ((), heard) = tokio::join!(speaking, listening);
        assert!(heard == said);
    }
}

//! One of many talks, and all the others listen: broadcasts.

use super::{
    crowd::{self, Crowd, Outcome, Settings},
    frames,
};
use crate::process::cpu_seconds;
use std::time::{Duration, Instant};
use tokio::{io::AsyncWriteExt, net::TcpStream, task::yield_now};

/// Messages that are on their way at full speed: enough for batches, and no queue without end.
const WINDOW: usize = 64;

/// Comes, talks, listens, and prints the [`Outcome`] as JSON.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let outcome = crowd::alone(measure(&settings)).await?;
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

async fn measure(settings: &Settings) -> anyhow::Result<Outcome> {
    let joins = !settings.header.is_empty();
    let join = || joins.then(crowd::anybody);
    let (mut speaker, _) = crowd::open(settings, join()).await?;
    let gathered = Crowd::gather(settings, |_| join()).await?;
    let crowd = gathered.crowd;
    let bytes_per_socket = gathered.bytes_per_socket;
    if settings.seconds <= 0.0 {
        // They only came to be there.
        return Ok(Outcome {
            bytes_per_socket,
            ..Outcome::default()
        });
    }
    let time = Duration::try_from_secs_f64(settings.seconds)?.min(Duration::from_mins(1));
    // Once for the sake of buffers and caches.
    crowd.talk(settings, &mut speaker, time / 4, None).await?;
    let cpu = cpu_seconds(settings.pid)?;
    let (heard, seconds) = crowd.talk(settings, &mut speaker, time, None).await?;
    let cpu = cpu_seconds(settings.pid)? - cpu;
    let per_second = heard / seconds;
    crowd.take_times();
    let pace =
        Duration::try_from_secs_f64(1.0 / settings.pace(per_second / f64::from(settings.sockets)))?;
    let (paced, seconds) = crowd.talk(settings, &mut speaker, time, Some(pace)).await?;
    let [p50, p95, p99] = crowd.times()?;
    Ok(Outcome {
        bytes_per_socket,
        per_cpu_second: heard / cpu.max(0.01),
        per_second,
        paced_per_second: paced / seconds,
        p50,
        p95,
        p99,
    })
}

impl Crowd {
    /// Talks for a while, as fast as it is heard or at a pace; how much was heard, in how long.
    async fn talk(
        &self,
        settings: &Settings,
        speaker: &mut TcpStream,
        time: Duration,
        pace: Option<Duration>,
    ) -> anyhow::Result<(f64, f64)> {
        let sockets = usize::from(settings.sockets);
        let joins = !settings.header.is_empty();
        let began = Instant::now();
        let (from, mut said) = (self.heard(), 0);
        self.said();
        while began.elapsed() < time {
            let due = match pace {
                None => said * sockets < self.heard() - from + WINDOW * sockets,
                Some(pace) => pace * u32::try_from(said)? <= began.elapsed(),
            };
            if due {
                speaker
                    .write_all(&frames::broadcast(joins, self.nanos()?))
                    .await?;
                said += 1;
            }
            self.check()?;
            match pace {
                Some(_) if !due => tokio::time::sleep(Duration::from_micros(200)).await,
                _ => yield_now().await,
            }
            drain(speaker)?;
        }
        while self.heard() - from < said * sockets {
            self.check()?;
            tokio::time::sleep(Duration::from_micros(200)).await;
            drain(speaker)?;
        }
        let heard = f64::from(u32::try_from(self.heard() - from)?);
        Ok((heard, began.elapsed().as_secs_f64()))
    }
}

/// A server that only passes on also tells the speaker, who is not counted.
fn drain(speaker: &TcpStream) -> anyhow::Result<()> {
    let mut heard = [0; 16 * 1024];
    match speaker.try_read(&mut heard) {
        Ok(0) => anyhow::bail!("the speaker was closed"),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error.into()),
    }
}

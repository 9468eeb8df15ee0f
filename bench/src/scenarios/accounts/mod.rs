//! What identity costs: asking who one is, a permission, tokens renewed, a sign-in at the
//! cost that is set for a hash; and the list of people among ten thousand, a hundred thousand
//! and a million.

mod doors;
mod people;

use super::{
    compare::{self, Bench},
    content,
    server::{self, Server},
};
use crate::{machine, report::Report};
use std::path::{Path, PathBuf};

/// How to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// The server's binary.
    #[arg(long)]
    portico: PathBuf,
    /// A folder that may be written to; PostgreSQL's user must be able to enter it. One that
    /// was used before is taken up as it is.
    #[arg(long)]
    data: PathBuf,
    /// What to measure.
    #[arg(long, value_delimiter = ',', default_values_t = [Part::Doors, Part::People])]
    parts: Vec<Part>,
    /// Among how many people, from few to many; at most two million.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    people: Vec<u32>,
    /// How often each is measured; the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// How long each is asked in one round; at most 60.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Doors,
    People,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Doors => "doors",
            Self::People => "people",
        })
    }
}

/// Measures, and prints the table.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let mut report = Report::new(machine::describe());
    let bench = Bench {
        connections: 32,
        seconds: settings.seconds,
        rounds: settings.rounds,
    };
    let (portico, data) = (&settings.portico, &settings.data);
    if settings.parts.contains(&Part::Doors) {
        let mut server = ready(portico, &data.join("doors")).await?;
        doors::measure(&bench, &server, &mut report).await?;
        server.process.must_live()?;
        server.process.stop().await?;
    }
    if settings.parts.contains(&Part::People) {
        people::measure(&bench, portico, data, &settings.people, &mut report).await?;
    }
    println!("{report}");
    Ok(())
}

/// A server with the demo tenant.
async fn ready(portico: &Path, data: &Path) -> anyhow::Result<Server> {
    let made = data.join("postgres").exists();
    let mut server = Server::start(portico, data).await?;
    if !made {
        server.process.stop().await?;
        server::load_demo(portico, data).await?;
        server = Server::start(portico, data).await?;
    }
    Ok(server)
}

/// One route, asked round by round.
async fn route(
    bench: &Bench,
    server: &Server,
    path: &str,
    cookie: &str,
) -> anyhow::Result<Vec<compare::Sample>> {
    let cookie = [cookie.to_owned()];
    let side = compare::side(server.process.pid, &server.address, path, &cookie);
    bench.ask(&side, bench.seconds.min(1.0)).await?;
    let mut samples = Vec::new();
    for _ in 0..bench.rounds {
        samples.push(bench.ask(&side, bench.seconds).await?);
    }
    Ok(samples)
}

async fn staff(server: &Server) -> anyhow::Result<String> {
    content::sign_in(&server.address, content::ADMIN).await
}

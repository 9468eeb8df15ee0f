//! What is measured, in order: starts, memory, the two routes, the page.

pub(crate) mod accounts;
mod compare;
mod content;
mod server;

use crate::{
    machine,
    process::{Memory, front_of},
    report::{Goal, Report},
};
pub(crate) use compare::Sample;
use compare::{Bench, Ratio};
pub(crate) use content::sign_in;
use server::{Phases, Server};
use std::{path::PathBuf, time::Duration};

/// How to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// The server's binary.
    #[arg(long)]
    portico: PathBuf,
    /// An empty folder that may be written to; PostgreSQL's user must be able to enter it.
    #[arg(long)]
    data: PathBuf,
    /// How often each comparison is made; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// How long one side is asked in one round; at most 60.
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// How many ask at once.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256))]
    connections: u16,
}

/// Starts are measured so many times each.
const STARTS: usize = 3;
/// What a start needs is measured after this, and what stays of it when it has settled.
const STARTED: Duration = Duration::from_secs(10);
const SETTLED: Duration = Duration::from_secs(50);

/// Measures everything and prints the table.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let mut report = Report::new(machine::describe());
    let data = starts(&settings, &mut report).await?;

    let mut server = Server::start(&settings.portico, &data).await?;
    tokio::time::sleep(STARTED).await;
    let started = Memory::of(server.process.pid)?;
    tokio::time::sleep(SETTLED).await;
    let front = front_of(server.process.pid)?;
    let (idle, child) = (Memory::of(server.process.pid)?, Memory::of(front.0)?);
    let bench = Bench {
        connections: settings.connections,
        seconds: settings.seconds,
        rounds: settings.rounds,
    };
    routes(&bench, &server, &data, &mut report).await?;
    pages(&bench, &server, &front, &mut report).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    memory(
        [started, idle, Memory::of(server.process.pid)?],
        (child, Memory::of(front.0)?),
        &mut report,
    );
    server.process.must_live()?;
    server.process.stop().await?;
    println!("{report}");
    Ok(())
}

/// From nothing, with a stopped cluster, and with a running one. The folder of the last
/// start, with the demo tenant in it.
async fn starts(settings: &Settings, report: &mut Report) -> anyhow::Result<PathBuf> {
    let portico = &settings.portico;
    let (mut nothing, mut stopped, mut running) = (Vec::new(), Vec::new(), Vec::new());
    let mut data = settings.data.join("0");
    for n in 0..STARTS {
        eprintln!("starting, {} of {STARTS}", n + 1);
        data = settings.data.join(n.to_string());
        let server = Server::start(portico, &data).await?;
        nothing.push(server.phases);
        server.process.stop().await?;
        let server = Server::start(portico, &data).await?;
        stopped.push(server.phases);
        // A killed server leaves its cluster running, and the next one takes it over.
        server.process.kill().await?;
        let server = Server::start(portico, &data).await?;
        running.push(server.phases);
        server.process.stop().await?;
    }
    server::load_demo(portico, &data).await?;
    let goal = |seconds: f64| Some(Goal::AtMost(seconds));
    for (what, phases, goal) in [
        (
            "start from nothing (initdb, migrations)",
            &nothing,
            goal(6.0),
        ),
        (
            "start, cluster made before and stopped",
            &stopped,
            goal(0.5),
        ),
        ("start, cluster running", &running, goal(0.5)),
    ] {
        let ready = Phases::median(phases, |phases| phases.ready);
        let answers = Phases::median(phases, |phases| phases.answers);
        let front = Phases::median(phases, |phases| phases.front);
        let detail = format!("/livez {answers:.2} s; with Next.js {front:.2} s");
        report.row(
            what,
            format!("{ready:.2} s"),
            detail,
            goal.map(|goal| (goal, ready)),
        );
    }
    Ok(data)
}

/// The two routes against the yardstick.
async fn routes(
    bench: &Bench,
    server: &Server,
    data: &std::path::Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let member = content::prepare(&server.address).await?;
    let key = content::signing_key(&server.address, &member).await?;
    let mut yardstick = server::Yardstick::start(data, &member.id, &key).await?;
    for (path, open) in [
        ("/api/v1/feed?limit=20", "/open/feed?limit=20"),
        ("/api/v1/me", "/open/me"),
    ] {
        eprintln!("measuring {path}");
        content::compare(&server.address, &yardstick.address, path, &member).await?;
        for (other, path_there, goal) in [
            ("bare handler", path, Some(0.8)),
            ("bare handler that asks nobody who they are", open, None),
        ] {
            let cookie = content::sign_in(&server.address, content::MEMBER).await?;
            let cookie = [cookie];
            let ours = compare::side(server.process.pid, &server.address, path, &cookie);
            let there = &yardstick.address;
            let bare = compare::side(yardstick.process.pid, there, path_there, &cookie);
            let ratio = bench.compare(&ours, &bare).await?;
            state(report, &format!("GET {path}"), other, &ratio, goal);
        }
    }
    let path = "/api/v1/feed?limit=20";
    eprintln!("measuring {path}, compressed");
    let cookie = content::sign_in(&server.address, content::MEMBER).await?;
    let headers = [cookie, compare::BROWSER.to_owned()];
    let ours = compare::side(server.process.pid, &server.address, path, &headers);
    let there = &yardstick.address;
    let bare = compare::side(yardstick.process.pid, there, path, &headers[..1]);
    let ratio = bench.compare(&ours, &bare).await?;
    state(
        report,
        "the same feed, compressed by us",
        "bare handler, plain",
        &ratio,
        None,
    );
    yardstick.process.must_live()?;
    yardstick.process.kill().await
}

/// The public page, served by us and by Next.js over its own socket.
async fn pages(
    bench: &Bench,
    server: &Server,
    front: &(u32, PathBuf),
    report: &mut Report,
) -> anyhow::Result<()> {
    content::page_is_stored(&server.address).await?;
    let next = crate::http::Address::Unix(front.1.clone());
    for (what, headers) in [
        (
            "GET / stored, as a browser asks",
            &[compare::BROWSER.to_owned()][..],
        ),
        ("GET / stored, uncompressed", &[]),
    ] {
        eprintln!("measuring {what}");
        let ours = compare::side(server.process.pid, &server.address, "/", headers);
        let theirs = compare::side(front.0, &next, "/", headers);
        let ratio = bench.compare(&ours, &theirs).await?;
        state(report, what, "Next.js", &ratio, Some(30.0));
    }
    Ok(())
}

fn state(report: &mut Report, what: &str, other: &str, ratio: &Ratio, goal: Option<f64>) {
    report.row(
        what,
        format!("{:.2}× {other}", ratio.value),
        format!("spread {:.2}–{:.2}", ratio.least, ratio.most),
        goal.map(|goal| (Goal::AtLeast(goal), ratio.value)),
    );
    report.note("Portico", &ratio.ours);
    report.note(other, &ratio.other);
}

fn memory(server: [Memory; 3], child: (Memory, Memory), report: &mut Report) {
    let whats = [
        "memory of the server, ten seconds after its start",
        "memory of the server, idle for a minute",
        "memory of the server, after the load",
    ];
    for (what, memory) in whats.into_iter().zip(server) {
        report.row(
            what,
            format!("{:.0} MB", memory.megabytes()),
            format!("of it its own {:.0} MB", memory.anonymous * 1.048_576),
            Some((Goal::AtMost(65.0), memory.megabytes())),
        );
    }
    report.row(
        "memory of Next.js, idle",
        format!("{:.0} MB", child.0.megabytes()),
        format!("after the load {:.0} MB", child.1.megabytes()),
        None,
    );
}

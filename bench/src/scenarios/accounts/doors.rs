//! Who asks, and how they came in: `/me`, a permission, tokens renewed at the edge, sign-ins.

use super::{Bench, Report, Server, content, route, staff};
use crate::{
    http::{Address, Answer, Connection, request},
    load::Outcome,
    numbers::quantile,
    process::cpu_seconds,
    scenarios::Sample,
};
use anyhow::{Context, ensure};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

pub(super) async fn measure(
    bench: &Bench,
    server: &Server,
    report: &mut Report,
) -> anyhow::Result<()> {
    let member = content::sign_in(&server.address, content::MEMBER).await?;
    let admin = staff(server).await?;
    for (what, path, cookie) in [
        ("GET /api/v1/me, by cookie", "/api/v1/me", &member),
        (
            "a permission checked (GET /api/v1/permissions)",
            "/api/v1/permissions",
            &admin,
        ),
    ] {
        eprintln!("measuring {what}");
        let samples = route(bench, server, path, cookie).await?;
        state(report, what, &samples);
    }
    for (what, walk, many) in [
        ("tokens renewed on the way to /me", Walk::Renew, 8),
        ("a sign-in, at the cost that is set", Walk::SignIn, 4),
    ] {
        eprintln!("measuring {what}");
        let mut samples = Vec::new();
        for _ in 0..bench.rounds {
            samples.push(walked(server, walk, many, bench.seconds).await?);
        }
        state(report, what, &samples);
    }
    Ok(())
}

fn state(report: &mut Report, what: &str, samples: &[Sample]) {
    let each = samples.iter().map(|sample| 1e6 / sample.per_cpu_second());
    let micros = crate::numbers::median(each);
    let detail = "of the server's processor time; the database's is not counted".to_owned();
    report.row(what, format!("{micros:.0} µs a request"), detail, None);
    report.note("Portico", samples);
}

/// Requests that depend on the answer before.
#[derive(Debug, Clone, Copy)]
enum Walk {
    /// With the refresh cookie alone, which each answer replaces.
    Renew,
    SignIn,
}

async fn walked(server: &Server, walk: Walk, many: usize, seconds: f64) -> anyhow::Result<Sample> {
    let mut walking = JoinSet::new();
    let before = cpu_seconds(server.process.pid)?;
    let began = Instant::now();
    let until = began + Duration::try_from_secs_f64(seconds)?.min(Duration::from_mins(1));
    for _ in 0..many {
        walking.spawn(one(server.address.clone(), walk, until));
    }
    let mut micros = Vec::new();
    while let Some(walked) = walking.join_next().await {
        micros.extend(walked??);
    }
    let elapsed = began.elapsed().as_secs_f64();
    let cpu = cpu_seconds(server.process.pid)? - before;
    ensure!(
        !micros.is_empty() && cpu > 0.0,
        "a run too short to be counted"
    );
    micros.sort_unstable();
    let outcome = Outcome {
        requests: micros.len(),
        failures: 0,
        seconds: elapsed,
        bytes: 0,
        p50: f64::from(quantile(&micros, 50)) / 1000.0,
        p99: f64::from(quantile(&micros, 99)) / 1000.0,
    };
    Ok(Sample { outcome, cpu })
}

async fn one(address: Address, walk: Walk, until: Instant) -> anyhow::Result<Vec<u32>> {
    let mut connection = Connection::open(&address).await?;
    let mut answer = Answer::default();
    let sign_in = content::sign_in_request(content::MEMBER);
    connection.ask(&sign_in, &mut answer).await?;
    ensure!(answer.status == 201, "signing in: {}", answer.status);
    let mut micros = Vec::new();
    while Instant::now() < until {
        let (asked, expected) = match walk {
            Walk::SignIn => (sign_in.clone(), 201),
            Walk::Renew => {
                let cookie = refresh_of(&answer)?;
                (request("GET", "/api/v1/me", &[cookie], ""), 200)
            }
        };
        let began = Instant::now();
        connection.ask(&asked, &mut answer).await?;
        let took = u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX);
        ensure!(answer.status == expected, "it answers {}", answer.status);
        micros.push(took);
    }
    Ok(micros)
}

fn refresh_of(answer: &Answer) -> anyhow::Result<String> {
    let cookie = answer
        .headers("set-cookie")
        .filter_map(|cookie| cookie.split(';').next())
        .find(|pair| pair.starts_with("portico_refresh="))
        .context("no refresh cookie")?;
    Ok(format!("cookie: {cookie}"))
}

//! How many changes a second reach those who may see them, and how long that takes.

use super::{
    PATH,
    cluster::Cluster,
    servers::{Other, ask},
    watch::Outcome,
};
use crate::report::{Goal, Report};

/// Sockets, each row for one of them only, rows of a transaction, and the goal in changes a second.
const CASES: [(usize, bool, u32, Option<f64>); 6] = [
    (500, false, 1, Some(500.0)),
    (5_000, false, 1, None),
    (1_000, true, 1, None),
    (1_000, true, 20, Some(5_000.0)),
    (10_000, true, 1, None),
    (10_000, true, 20, Some(5_000.0)),
];
/// Milliseconds, at half of full speed.
const SOON: f64 = 50.0;

pub(super) async fn measure(
    report: &mut Report,
    cluster: &Cluster,
    rounds: u32,
    seconds: f64,
) -> anyhow::Result<()> {
    for (sockets, owned, rows, goal) in CASES {
        let mut outcomes = Vec::new();
        for round in 0..rounds {
            eprintln!(
                "changes for {} of {sockets}, {rows} in a transaction, round {} of {rounds}",
                if owned { "one" } else { "all" },
                round + 1
            );
            outcomes.push(once(cluster, sockets, owned, rows, seconds).await?);
        }
        outcomes.sort_by(|one, two| one.per_second.total_cmp(&two.per_second));
        let Some(middle) = outcomes.get(outcomes.len() / 2) else {
            continue;
        };
        let whom = if owned { "exactly one" } else { "all" };
        let each = match rows {
            1 => "a change a transaction".to_owned(),
            rows => format!("{rows} changes a transaction"),
        };
        report.row(
            &format!("changes visible to {whom} of {sockets} sockets, {each}"),
            format!("{:.0} changes a second", middle.per_second),
            format!(
                "spread {:.0}–{:.0}; {:.0} k deliveries per core-second; the server used {:.2} cores",
                outcomes.first().map_or(0.0, |least| least.per_second),
                outcomes.last().map_or(0.0, |most| most.per_second),
                middle.per_cpu_second / 1e3,
                middle.cores,
            ),
            goal.map(|goal| (Goal::AtLeast(goal), middle.per_second)),
        );
        report.row(
            "… from before the insert to the client, at half of that",
            format!("p95 {:.1} ms", middle.p95),
            format!(
                "at {:.0} changes a second; p50 {:.1}, p99 {:.1} ms",
                middle.paced_per_second, middle.p50, middle.p99
            ),
            Some((Goal::AtMost(SOON), middle.p95)),
        );
        if !owned {
            let bare = Other::for_one("bare", sockets, seconds, Some(middle.paced_per_second));
            let bare = bare.await?;
            report.row(
                "… as many messages a second, passed on by the bare loop",
                format!("p95 {:.1} ms", bare.p95),
                format!(
                    "at {:.0} messages a second; p50 {:.1}, p99 {:.1} ms",
                    bare.paced_per_second / f64::from(u32::try_from(sockets)?),
                    bare.p50,
                    bare.p99
                ),
                None,
            );
        }
    }
    Ok(())
}

async fn once(
    cluster: &Cluster,
    sockets: usize,
    owned: bool,
    rows: u32,
    seconds: f64,
) -> anyhow::Result<Outcome> {
    let socket = cluster.socket();
    let server = Other::start(&["hub", "--database", &socket]).await?;
    let outcome = ask(
        "watch",
        &[
            ("--address", server.address.to_string()),
            ("--pid", server.process.pid.to_string()),
            ("--path", PATH.to_owned()),
            ("--sockets", sockets.to_string()),
            ("--seconds", seconds.to_string()),
            ("--database", socket),
            ("--owned", owned.to_string()),
            ("--rows", rows.to_string()),
        ],
    )
    .await;
    server.process.kill().await?;
    outcome
}

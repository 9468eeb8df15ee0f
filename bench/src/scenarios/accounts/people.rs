//! The list of people, as staff use it, among few and many of them: each number of people has a
//! server and a cluster of its own, and they are asked in turn, so that whatever else the machine
//! does meets all of them. The people are made past the servers: it is reading that is measured.

use super::{
    Bench, Report, Server,
    compare::{self, Side},
    ready, staff,
};
use crate::{
    http::{self, request},
    numbers::median,
    report::Goal,
    scenarios::{Sample, server::socket_of},
};
use anyhow::{Context, ensure};
use serde_json::Value;
use std::{path::Path, time::Duration};
use tokio_postgres::{Client, Config, NoTls};

/// So many are a Zyx, however many people there are: what is rare fills a page among few as it
/// does among many. What is frequent is so by its share.
const RARE: u32 = 60;

/// Names of a town: every letter begins some of them, one in `$3` is a Zyx, one in a hundred is
/// suspended, and one in fifty has not proved the address.
const MAKE: &str = "
    with made as (
        insert into identity.users (id, email, email_key, name, status, email_verified_at, created_at)
        select gen_random_uuid(), mail, mail, named,
            case when n % 100 = 0 then 'suspended' else 'active' end,
            case when n % 50 > 0 then now() end, now() - n * interval '20 seconds'
        from generate_series($1::integer, $2::integer) n,
        lateral (select (array['Ada','Bea','Cid','Dan','Eva','Fay','Gus','Hal','Ida','Jon','Kai','Lea','Max','Nia',
            'Otto','Pia','Quin','Rosa','Sam','Tia','Uwe','Vera','Will','Xena','Yara','Zoe'])[1 + (hashint4(n) & 2147483647) % 26]
            || ' ' || (array['Anders','Berg','Costa','Dupont','Egger','Fischer','Gruber','Huber','Ito','Jansen','Keller',
            'Lang','Meyer','Novak','Olsen','Petit','Quist','Rossi','Schmid','Tanaka','Ulrich','Vogel','Weber','Xu','Young',
            'Zeller'])[1 + (hashint4(n + 7777777) & 2147483647) % 26]
            || case when n % $3::integer = 0 then ' Zyxwald' else '' end as named) k,
        lateral (select lower(replace(named, ' ', '.')) || n || '@bench.example' as mail) m
        returning id
    ), profiles as (insert into identity.profiles (user_id) select id from made)
    insert into identity.user_roles (user_id, role) select id, 'member' from made";

const VACUUM: &str =
    "vacuum analyze identity.users, identity.profiles, identity.user_roles, identity.user_words";

/// Whether indexes alone answer, as they do once people have been there for a minute.
const VISIBLE: &str = "
    select bool_and(relallvisible >= relpages * 0.9) from pg_class
    where oid in ('identity.users'::regclass, 'identity.user_words'::regclass)";

/// How often it is tried.
const VACUUMS: u32 = 10;

/// What is asked for: what staff call it, and how.
const ASKED: &[(&str, &str)] = &[
    ("first page", ""),
    ("the 20th page", "later"),
    ("suspended", "status=suspended"),
    ("not proved", "verified=false"),
    ("who holds a role of staff", "role=admin"),
    ("one letter", "search=x"),
    ("two letters, frequent", "search=xe"),
    ("two letters, rare", "search=zy"),
    ("two letters, nobody's", "search=qq"),
    ("four letters, frequent", "search=yara"),
    ("four letters, rare", "search=zyxw"),
    ("four letters, nobody's", "search=qqqq"),
    ("a whole name", "search=yara%20gruber"),
    ("a part of a word, frequent", "search=ruber"),
    ("a part of a word, rare", "search=yxwa"),
    ("four letters, by name", "search=yara&sort=name"),
    ("four letters, suspended", "search=yara&status=suspended"),
    ("oldest first", "sort=created_at"),
    ("by name", "sort=name"),
    ("by name, backwards", "sort=-name"),
];

/// So many people, and who serves their list.
#[derive(Debug)]
struct Town {
    size: u32,
    server: Server,
    /// The session of one of the staff.
    admin: String,
}

pub(super) async fn measure(
    bench: &Bench,
    portico: &Path,
    data: &Path,
    sizes: &[u32],
    report: &mut Report,
) -> anyhow::Result<()> {
    // One at a time: what one person waits for, not how many share two cores.
    let bench = Bench {
        connections: 1,
        ..*bench
    };
    let mut towns = Vec::new();
    for &size in sizes {
        ensure!(size <= 2_000_000, "at most two million people");
        ensure!(size >= RARE, "at least {RARE} people");
        let data = data.join(format!("people-{size}"));
        let server = ready(portico, &data).await?;
        fill(&socket_of(&data)?, size).await?;
        let admin = staff(&server).await?;
        towns.push(Town {
            size,
            server,
            admin,
        });
    }
    for (what, query) in ASKED {
        eprintln!("measuring the list: {what}");
        let samples = asked(&bench, &towns, query).await?;
        tell(report, what, &towns, &samples);
    }
    for mut town in towns {
        town.server.process.must_live()?;
        town.server.process.stop().await?;
    }
    Ok(())
}

/// What each town answered with, round by round.
async fn asked(bench: &Bench, towns: &[Town], query: &str) -> anyhow::Result<Vec<Vec<Sample>>> {
    let mut sides: Vec<Side> = Vec::new();
    for Town { server, admin, .. } in towns {
        let path = match query {
            "later" => later(server, admin).await?,
            "" => "/api/v1/users?limit=50".to_owned(),
            query => format!("/api/v1/users?limit=50&{query}"),
        };
        let (pid, cookie) = (server.process.pid, [admin.clone()]);
        sides.push(compare::side(pid, &server.address, &path, &cookie));
    }
    for side in &sides {
        bench.ask(side, bench.seconds.min(1.0)).await?;
    }
    let mut samples: Vec<Vec<Sample>> = sides.iter().map(|_| Vec::new()).collect();
    for _ in 0..bench.rounds {
        for (side, samples) in sides.iter().zip(&mut samples) {
            samples.push(bench.ask(side, bench.seconds).await?);
        }
    }
    Ok(samples)
}

/// The median of the rounds' ratios of the most by the fewest.
fn tell(report: &mut Report, what: &str, towns: &[Town], samples: &[Vec<Sample>]) {
    let p50 = |samples: &Vec<Sample>| median(samples.iter().map(|sample| sample.outcome.p50));
    let (Some(few), Some(many)) = (samples.first(), samples.last()) else {
        return;
    };
    let rounds = few.iter().zip(many);
    let ratio = median(rounds.map(|(few, many)| many.outcome.p50 / few.outcome.p50));
    report.row(
        &format!("list of people, {what}"),
        format!("{ratio:.2}×"),
        format!(
            "p50 {:.1} ms among the fewest, {:.1} ms among the most",
            p50(few),
            p50(many)
        ),
        Some((Goal::AtMost(1.5), ratio)),
    );
    for (town, samples) in towns.iter().zip(samples) {
        report.note(&format!("of {}", town.size), samples);
    }
}

/// Sees to it that there are so many, and that the planner knows.
async fn fill(socket: &Path, size: u32) -> anyhow::Result<()> {
    let mut config = Config::new();
    config.host_path(socket).user("postgres").dbname("portico");
    let (client, connection) = config.connect(NoTls).await?;
    let growing = async move { grow(&client, size).await };
    let (connected, made) = tokio::join!(connection, growing);
    connected?;
    made
}

async fn grow(client: &Client, size: u32) -> anyhow::Result<()> {
    let row = client
        .query_one(
            "select count(*)::integer from identity.users where email_key like '%@bench.example'",
            &[],
        )
        .await?;
    let (mut have, size): (i32, _) = (row.get(0), i32::try_from(size)?);
    ensure!(have <= size, "there are {have} already: use another folder");
    let rare = size / i32::try_from(RARE)?;
    while have < size {
        let to = (have + 50_000).min(size);
        client.execute(MAKE, &[&(have + 1), &to, &rare]).await?;
        have = to;
        eprintln!("{have} people");
    }
    // One at a time: several statements at once are one transaction, in which nothing is vacuumed.
    // And again while somebody, such as autovacuum, still looks at an older state.
    for _ in 0..VACUUMS {
        client.batch_execute(VACUUM).await?;
        if client.query_one(VISIBLE, &[]).await?.get(0) {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    client.batch_execute("checkpoint").await?;
    Ok(())
}

/// The path of a page that is reached by turning pages.
async fn later(server: &Server, cookie: &str) -> anyhow::Result<String> {
    let mut path = "/api/v1/users?limit=50".to_owned();
    for _ in 1..20 {
        let asked = request("GET", &path, &[cookie.to_owned()], "");
        let answer = http::once(&server.address, &asked).await?;
        let page: Value = serde_json::from_slice(&answer.body)?;
        let cursor = page["next_cursor"].as_str().context("no further page")?;
        path = format!("/api/v1/users?limit=50&cursor={cursor}");
    }
    Ok(path)
}

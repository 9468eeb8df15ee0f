//! The list of people, as staff use it, among more and more of them. The people are made
//! past the server: it is reading that is measured.

use super::{Bench, Report, Server, route, staff};
use crate::{
    http::{self, request},
    numbers::median,
    report::Goal,
    scenarios::Sample,
};
use anyhow::{Context, ensure};
use serde_json::Value;
use std::path::Path;
use tokio_postgres::{Client, Config, NoTls};

/// Names of a town: every letter begins some of them, one in a thousand is a Zyx, one in a
/// hundred is suspended, and one in fifty has not proved the address.
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
            || case when n % 1000 = 0 then ' Zyxwald' else '' end as named) k,
        lateral (select lower(replace(named, ' ', '.')) || n || '@bench.example' as mail) m
        returning id
    ), profiles as (insert into identity.profiles (user_id) select id from made)
    insert into identity.user_roles (user_id, role) select id, 'member' from made";

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

pub(super) async fn measure(
    bench: &Bench,
    server: &Server,
    socket: &Path,
    sizes: &[u32],
    report: &mut Report,
) -> anyhow::Result<()> {
    // One at a time: what one person waits for, not how many share two cores.
    let bench = Bench {
        connections: 1,
        ..*bench
    };
    let admin = staff(server).await?;
    let mut all: Vec<Vec<Vec<Sample>>> = ASKED.iter().map(|_| Vec::new()).collect();
    for &size in sizes {
        ensure!(size <= 2_000_000, "at most two million people");
        fill(socket, size).await?;
        eprintln!("measuring the list among {size}");
        for ((_, query), samples) in ASKED.iter().zip(&mut all) {
            let path = match *query {
                "later" => later(server, &admin).await?,
                "" => "/api/v1/users?limit=50".to_owned(),
                query => format!("/api/v1/users?limit=50&{query}"),
            };
            samples.push(route(&bench, server, &path, &admin).await?);
        }
    }
    for ((what, _), samples) in ASKED.iter().zip(&all) {
        let p50 = |samples: &Vec<Sample>| median(samples.iter().map(|sample| sample.outcome.p50));
        let (Some(few), Some(many)) = (samples.first().map(p50), samples.last().map(p50)) else {
            continue;
        };
        report.row(
            &format!("list of people, {what}"),
            format!("{:.2}×", many / few),
            format!("p50 {few:.1} ms among the fewest, {many:.1} ms among the most"),
            Some((Goal::AtMost(1.5), many / few)),
        );
        for (size, samples) in sizes.iter().zip(samples) {
            report.note(&format!("of {size}"), samples);
        }
    }
    Ok(())
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
    while have < size {
        let to = (have + 50_000).min(size);
        client.execute(MAKE, &[&(have + 1), &to]).await?;
        have = to;
        eprintln!("{have} people");
    }
    // One at a time: several statements at once are one transaction, in which nothing is vacuumed.
    for statement in [
        "vacuum analyze identity.users, identity.profiles, identity.user_roles, identity.user_words",
        "checkpoint",
    ] {
        client.batch_execute(statement).await?;
    }
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

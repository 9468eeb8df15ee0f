//! Whom a search finds beside each filter and in each order, against a filter over the same
//! people that knows no index.

use crate::{app::TestApp, person::Person};
use portico::http::RateConfig;
use serde_json::json;
use std::cmp::Reverse;
use time::OffsetDateTime;

/// Three thousand people, three of whom joined at a time. Twelve hundred Zanders joined last and
/// are half Aarons, half Zoes; twelve hundred Comets are all called Max and joined before. Every
/// address ends in "com" and has "mail" in it: more begin so than a list counts.
const PEOPLE: &str = r"
    insert into identity.users (id, email, email_key, name, status, email_verified_at, created_at, deleted_at)
    select md5('person ' || n)::uuid, mail, mail, named, status, case when n % 3 > 0 then now() end,
        timestamptz '2026-06-01 00:00+00' - n / 3 * interval '6 hours', case when status = 'deleted' then now() end
    from generate_series(1, 3000) n,
    lateral (select case
        when n <= 1200 then (array['Zoe', 'aaron'])[1 + n % 2] || ' Zander'
        when n <= 2400 then 'Max Comet' || (array['', ' Zoe', '-Lo', ''])[1 + n % 4]
        else (array['Anna-Lena', 'Żółć', 'mia', 'ZOE', '100% Bo'])[1 + n % 5]
            || ' ' || (array['O''Brien', 'Under_Score', 'Lo Zander', 'Quist', 'Max Comet', 'Ruberti', 'ŁOŚ'])[1 + n % 7]
        end as named,
        case when n % 31 = 0 then 'deleted' when n % 7 = 0 then 'suspended' when n % 5 = 0 then 'invited'
            else 'active' end as status,
        'x.' || n || case when n % 2 = 0 then '@mail.com' else '+max@mail.co.com' end as mail) made;
    insert into identity.profiles (user_id) select id from identity.users on conflict do nothing;
    insert into identity.user_roles (user_id, role)
    select id, role from identity.users u, (values ('member', 1), ('support', 29)) as roles (role, each)
    where email_key like 'x.%' and hashtext(u.id::text) % each = 0;
    insert into identity.presence (user_id, online, last_seen_at)
    select id, hashtext(id::text) % 2 = 0, now() from identity.users where hashtext(id::text) % 3 = 0
    on conflict do nothing;
    insert into identity.totp (user_id, secret_sealed, confirmed_at)
    select id, '', case when hashtext(id::text) % 2 = 0 then now() end from identity.users
    where hashtext(id::text) % 11 = 0 and email_key like 'x.%';
    analyze identity.users, identity.user_words, identity.user_roles, identity.presence, identity.totp;
";

#[derive(sqlx::FromRow)]
struct Somebody {
    id: uuid::Uuid,
    name: String,
    email: String,
    status: String,
    verified: bool,
    online: bool,
    second_factor: bool,
    roles: Vec<String>,
    created_at: OffsetDateTime,
    by_time: i64,
    by_name: i64,
}

async fn everybody(app: &TestApp) -> Vec<Somebody> {
    let sql = "
        select u.id, lower(u.name) as name, u.email_key as email, u.status, u.created_at,
            u.email_verified_at is not null as verified,
            exists (select from identity.presence p where p.user_id = u.id and p.online) as online,
            exists (select from identity.second_factors f where f.user_id = u.id) as second_factor,
            array(select r.role from identity.user_roles r where r.user_id = u.id) as roles,
            row_number() over (order by u.created_at, u.id) as by_time,
            row_number() over (order by lower(u.name), u.id) as by_name
        from identity.users u";
    sqlx::query_as(sql)
        .fetch_all(app.app.db.pool())
        .await
        .unwrap()
}

fn words(text: &str) -> Vec<&str> {
    let parts = text.split(|c: char| !c.is_alphanumeric());
    parts.filter(|word| !word.is_empty()).collect()
}

impl Somebody {
    /// Whether the name, or the address without its last part, or a word of these, begins so.
    fn begins(&self, search: &[&str]) -> bool {
        let address = match self.email.rsplit_once('.') {
            Some((address, last)) if !last.contains('@') => address,
            _ => &self.email,
        };
        [self.name.as_str(), address].into_iter().any(|text| {
            let words = words(text);
            (0..words.len()).any(|at| words[at..].join(" ").starts_with(&search.join(" ")))
        })
    }

    fn has_inside(&self, search: &str) -> bool {
        let short = search.len() < 3 && search.bytes().all(|b| b.is_ascii_alphanumeric());
        !short && format!("{}\n{}", self.name, self.email).contains(search)
    }
}

/// Whom a search finds, as the list says it: those who begin so, and where nobody does, those in
/// whom it stands; in the trash, in whom it stands.
fn found<'a>(people: &'a [Somebody], search: &str, trash: bool) -> Vec<&'a Somebody> {
    let (wanted, search) = (words(search), search.trim());
    let among = people
        .iter()
        .filter(|one| (one.status == "deleted") == trash);
    let begin: Vec<_> = among
        .clone()
        .filter(|one| !wanted.is_empty() && one.begins(&wanted))
        .collect();
    let short = search.len() < 3 && search.bytes().all(|b| b.is_ascii_alphanumeric());
    if (trash && short) || (!trash && !begin.is_empty()) {
        return begin;
    }
    among.filter(|one| one.has_inside(search)).collect()
}

type Passes = fn(&Somebody) -> bool;

/// The day on which somebody joined, as it is said.
fn day(one: &Somebody) -> String {
    one.created_at.date().to_string()
}

/// What narrows the list beside a search.
const FILTERS: &[(&str, Passes)] = &[
    ("", |_| true),
    ("&status=active", |one| one.status == "active"),
    ("&status=invited", |one| one.status == "invited"),
    ("&status=suspended", |one| one.status == "suspended"),
    ("&status=deleted", |_| true),
    ("&verified=true", |one| one.verified),
    ("&verified=false", |one| !one.verified),
    ("&role=member", |one| {
        one.roles.iter().any(|role| role == "member")
    }),
    ("&role=support", |one| {
        one.roles.iter().any(|role| role == "support")
    }),
    ("&second_factor=true", |one| one.second_factor),
    ("&second_factor=false", |one| !one.second_factor),
    ("&online=true", |one| one.online),
    ("&joined_from=2026-01-02", |one| {
        day(one).as_str() >= "2026-01-02"
    }),
    ("&joined_until=2026-02-21", |one| {
        day(one).as_str() <= "2026-02-21"
    }),
    ("&status=suspended&verified=false", |one| {
        one.status == "suspended" && !one.verified
    }),
    (
        "&status=active&role=member&second_factor=false&joined_until=2026-02-21",
        |one| {
            one.status == "active"
                && one.roles.iter().any(|role| role == "member")
                && !one.second_factor
                && day(one).as_str() <= "2026-02-21"
        },
    ),
];

/// One of each kind, and the others: each search beside each filter is tried in two.
const ORDERS: [[&str; 2]; 2] = [["-created_at", "name"], ["created_at", "-name"]];

const SEARCHES: &[&str] = &[
    "z",
    "zo",
    "zoe",
    "zoe z",
    "zander",
    "co",
    "com",
    "max comet",
    "max comet zoe",
    "mail",
    "x 11",
    "lo",
    "o'br",
    "żó",
    "ander",
    "omet",
    "uber",
    "il.c",
    "%",
    "qq",
    "qqqq",
];

/// The ids on all pages.
async fn pages(person: &Person, query: &str) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/users?limit=100&{query}{cursor}");
        let page = person.get(&path).await.status(200).body;
        let items = page["items"].as_array().unwrap();
        ids.extend(
            items
                .iter()
                .map(|one| one["id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

fn in_order(mut people: Vec<&Somebody>, sort: &str) -> Vec<String> {
    match sort {
        "created_at" => people.sort_by_key(|one| one.by_time),
        "-created_at" => people.sort_by_key(|one| Reverse(one.by_time)),
        "name" => people.sort_by_key(|one| one.by_name),
        _ => people.sort_by_key(|one| Reverse(one.by_name)),
    }
    people.iter().map(|one| one.id.to_string()).collect()
}

async fn searched() -> (TestApp, Person, Vec<Somebody>) {
    let app = TestApp::with(|config| {
        config.http.rate = RateConfig {
            session_burst: 1_000_000,
            session_per_second: 1_000_000,
            ..RateConfig::default()
        };
    })
    .await;
    let owner = app.owner("owner").await;
    app.sql(PEOPLE).await;
    let people = everybody(&app).await;
    (app, owner, people)
}

/// What is asked, and whom that means.
fn asked<'a>(people: &'a [Somebody], search: &str, filter: usize) -> (String, Vec<&'a Somebody>) {
    let (narrowed, passes) = FILTERS[filter];
    let said = search.replace('%', "%25").replace(' ', "%20");
    let meant = found(people, search, narrowed.contains("deleted"));
    let meant = meant.into_iter().filter(|one| passes(one)).collect();
    (format!("search={said}{narrowed}"), meant)
}

#[tokio::test]
async fn every_search_beside_every_filter_finds_whom_it_means() {
    let (_app, owner, people) = searched().await;
    for (at, search) in SEARCHES.iter().enumerate() {
        for filter in 0..FILTERS.len() {
            let (query, meant) = asked(&people, search, filter);
            let count = owner.get(&format!("/users/count?{query}")).await;
            assert_eq!(
                count.status(200).body,
                json!({"count": meant.len()}),
                "{query}"
            );
            for sort in ORDERS[(at + filter) % 2] {
                let path = format!("/users?limit=20&sort={sort}&{query}");
                let page = owner.get(&path).await.status(200).body;
                let items = page["items"].as_array().unwrap().iter();
                let ids: Vec<_> = items.map(|one| one["id"].as_str().unwrap()).collect();
                let expected = in_order(meant.clone(), sort);
                assert_eq!(ids, expected[..expected.len().min(20)], "{path}");
                let (total, more) = (page["total"].as_u64().unwrap(), page["more"] == true);
                let all = meant.len() as u64;
                let told = if more {
                    (total == 100 || total == 1000) && total <= all
                } else {
                    total == all
                };
                assert!(told, "{path}: {total} {more} {all}");
                assert_eq!(page["next_cursor"].is_string(), all > 20, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn pages_of_very_many_follow_each_other_in_every_order() {
    let (_app, owner, people) = searched().await;
    for search in ["zander", "com", "max comet", "z", "mail", "ander", "omet"] {
        for filter in [0, 3, 5, 15] {
            let (query, meant) = asked(&people, search, filter);
            for sort in ORDERS[0].iter().chain(&ORDERS[1]) {
                let query = format!("sort={sort}&{query}");
                let ids = pages(&owner, &query).await;
                assert_eq!(ids, in_order(meant.clone(), sort), "{query}");
            }
        }
    }
}

//! The rules by which the hub decides, and the same as row-level security: random rows, random
//! people, and both show everybody the same.

use std::collections::BTreeSet;

use crate::server::{Client, Server, run};
use kernel::{Permission, Principal, row_security};
use proptest::{
    collection::vec, option, prelude::*, strategy::ValueTree as _, test_runner::TestRunner,
};
use serde_json::json;
use sqlx::AssertSqlSafe;

/// What happens to the row of a number: written for somebody or nobody, or deleted.
#[derive(Debug, Clone)]
enum Step {
    Write(i32, Option<usize>),
    Delete(i32),
}

const PEOPLE: usize = 4;
const CASES: i32 = 6;

fn steps() -> impl Strategy<Value = (Vec<bool>, Vec<Step>)> {
    let write = (0..12_i32, option::weighted(0.85, 0..PEOPLE + 1));
    let step = prop_oneof![
        4 => write.prop_map(|(id, owner)| Step::Write(id, owner)),
        1 => (0..12_i32).prop_map(Step::Delete),
    ];
    (vec(any::<bool>(), PEOPLE), vec(step, 1..60))
}

/// What a client holds when it has been told everything up to a row of the news.
async fn held(client: &mut Client, end: i64) -> BTreeSet<i64> {
    let mut rows = BTreeSet::new();
    loop {
        let change = client.change().await;
        let id = |row: &str| change[row]["id"].as_i64().unwrap();
        match (
            change["table"].as_str().unwrap(),
            change["type"].as_str().unwrap(),
        ) {
            ("news", _) if id("record") == end => return rows,
            ("news", _) => {}
            (_, "DELETE") => assert!(rows.remove(&id("old_record")), "{change}"),
            (_, _) => drop(rows.insert(id("record"))),
        }
    }
}

/// What the same person sees by the policies.
async fn seen(server: &Server, role: &str, principal: &Principal) -> BTreeSet<i64> {
    let permissions: Vec<&str> = principal
        .permissions
        .iter()
        .map(Permission::as_str)
        .collect();
    let mut tx = server.db.begin().await.unwrap();
    sqlx::query("select set_config('role', $1, true), set_config('portico.caller', $2, true), set_config('portico.permissions', $3, true)")
        .bind(role)
        .bind(principal.user.to_string())
        .bind(permissions.join(","))
        .execute(&mut *tx)
        .await
        .unwrap();
    let rows: Vec<i64> = sqlx::query_scalar("select id::bigint from shop.orders")
        .fetch_all(&mut *tx)
        .await
        .unwrap();
    rows.into_iter().collect()
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn the_hub_and_row_level_security_show_everybody_the_same() {
    run(|server| async move {
        let role = format!("reader_{}", server.slot);
        server.sql("create schema if not exists kernel").await;
        server
            .sql(include_str!(
                "../../../../migrations/20261125213500_kernel_callers.sql"
            ))
            .await;
        let grants = format!(
            "create role {role}; grant usage on schema shop, kernel to {role};
             grant select on all tables in schema shop to {role}"
        );
        sqlx::raw_sql(AssertSqlSafe(grants))
            .execute(&server.db)
            .await
            .unwrap();
        row_security::apply(&server.db, crate::server::TABLES)
            .await
            .unwrap();
        // A second time it finds everything right.
        row_security::apply(&server.db, crate::server::TABLES)
            .await
            .unwrap();

        let mut runner = TestRunner::deterministic();
        for case in 0..CASES {
            let (staff, steps) = steps().new_tree(&mut runner).unwrap().current();
            server.sql("delete from shop.orders").await;
            let people: Vec<Principal> = (0..PEOPLE)
                .map(|nth| {
                    let all = [Permission::UsersRead];
                    let permissions = if staff[nth] { &all[..] } else { &[] };
                    server.people.add(&format!("{case}-{nth}"), permissions)
                })
                .collect();
            let stranger = kernel::id::UserId::new();
            let owner = |nth: usize| people.get(nth).map_or(stranger, |person| person.user);
            let mut clients = Vec::new();
            for nth in 0..PEOPLE {
                let all =
                    json!({"postgres_changes": [{"event": "*", "schema": "shop", "table": "*"}]});
                clients.push(
                    server
                        .join(&format!("{case}-{nth}"), "realtime:x", all)
                        .await,
                );
            }
            // What was deleted above must not be told to those who have come since.
            let begin = i64::from(case) * 2;
            sqlx::query("insert into shop.news values ($1, 'x')")
                .bind(begin)
                .execute(&server.db)
                .await
                .unwrap();
            for client in &mut clients {
                client
                    .until(|frame| {
                        frame.payload["data"]["table"] == "news"
                            && frame.payload["data"]["record"]["id"] == begin
                    })
                    .await;
            }
            for step in &steps {
                let done = match step {
                    Step::Write(id, nth) => sqlx::query(
                        "insert into shop.orders (id, owner, title) values ($1, $2, 'x')
                         on conflict (id) do update set owner = excluded.owner",
                    )
                    .bind(id)
                    .bind(nth.map(owner)),
                    Step::Delete(id) => {
                        sqlx::query("delete from shop.orders where id = $1").bind(id)
                    }
                };
                done.execute(&server.db).await.unwrap();
            }
            let end = begin + 1;
            sqlx::query("insert into shop.news values ($1, 'x')")
                .bind(end)
                .execute(&server.db)
                .await
                .unwrap();
            for (nth, client) in clients.iter_mut().enumerate() {
                let (held, seen) = (
                    held(client, end).await,
                    seen(&server, &role, &people[nth]).await,
                );
                assert_eq!(held, seen, "person {nth} of {people:?} after {steps:?}");
            }
            let nobody = Principal {
                user: stranger,
                ..people[0]
            };
            let nobody = Principal {
                permissions: std::iter::empty().collect(),
                ..nobody
            };
            assert!(seen(&server, &role, &nobody).await.len() <= 12);
        }
        let drop = format!("drop owned by {role}; drop role {role}");
        sqlx::raw_sql(AssertSqlSafe(drop))
            .execute(&server.db)
            .await
            .unwrap();
    })
    .await;
}

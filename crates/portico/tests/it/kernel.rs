//! The kernel's promises, kept by a whole server: the audit chain, jobs, limits, caches,
//! the event log and migrations.

use crate::{
    app::{TestApp, eventually},
    person::steady,
    template::{TestDatabase, prepare_process},
};
use insta::assert_json_snapshot;
use kernel::{
    audit::{Act, Verdict},
    database::{self, Database, schema_state},
    events,
    jobs::{self, Handlers, Job, Worker},
    limits::{Limits, Quota},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{
    SqlStr,
    migrate::{Migration, MigrationType, Migrator},
};
use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

async fn act(app: &TestApp, subject: &str) {
    let mut tx = app.app.db.begin().await.unwrap();
    let act = Act {
        actor: None,
        action: "test.done",
        subject,
        data: json!({"of": "ours", "b": 1}),
    };
    app.app.audit.append(&mut tx, act).await.unwrap();
    tx.commit().await.unwrap();
}

async fn verdict(app: &TestApp) -> Verdict {
    let mut db = app.app.db.acquire().await.unwrap();
    app.app.audit.verify(&mut db).await.unwrap()
}

/// What is found after somebody who holds the whole database did this; then it is undone.
async fn verdict_after(app: &TestApp, sql: &str) -> Verdict {
    let mut tx = app.app.db.begin().await.unwrap();
    let sql = format!("alter table kernel.audit disable trigger audit_append_only; {sql}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut *tx)
        .await
        .unwrap();
    let found = app.app.audit.verify(&mut tx).await.unwrap();
    tx.rollback().await.unwrap();
    found
}

#[tokio::test]
async fn an_audit_chain_shows_what_was_done_to_it() {
    let app = TestApp::new().await;
    for n in 1..=5 {
        act(&app, &format!("thing {n}")).await;
    }
    assert_eq!(verdict(&app).await, Verdict::Intact { rows: 5 });
    for (sql, broken) in [
        (
            "update kernel.audit set subject = 'other' where seq = 3",
            Some(3),
        ),
        (
            "update kernel.audit set action = 'test.undone' where seq = 1",
            Some(1),
        ),
        (
            "update kernel.audit set actor = gen_random_uuid() where seq = 2",
            Some(2),
        ),
        (
            "update kernel.audit set at = at + interval '1 microsecond' where seq = 5",
            Some(5),
        ),
        (
            r#"update kernel.audit set data = '{"b": 1,"of":"ours"}' where seq = 4"#,
            Some(4),
        ),
        (
            "update kernel.audit set mac = '\\x00' where seq = 2",
            Some(2),
        ),
        ("delete from kernel.audit where seq = 3", Some(3)),
        ("delete from kernel.audit where seq = 1", Some(1)),
        ("delete from kernel.audit where seq = 5", Some(5)),
        ("truncate kernel.audit", Some(1)),
        (
            "update kernel.audit set seq = case seq when 2 then -3 else -2 end where seq in (2, 3);
          update kernel.audit set seq = -seq where seq < 0",
            Some(2),
        ),
        // Cut short with the head set back, as a restored old copy would be.
        (
            "delete from kernel.audit where seq = 5;
          update kernel.audit_head set seq = 4, mac = '\\x00'",
            Some(5),
        ),
        (
            "insert into kernel.audit select seq + 1, at, actor, action, subject, data, mac
          from kernel.audit where seq = 5; update kernel.audit_head set seq = 6",
            Some(6),
        ),
        ("select 1", None),
    ] {
        match (verdict_after(&app, sql).await, broken) {
            (Verdict::Broken { seq, .. }, Some(expected)) => assert_eq!(seq, expected, "{sql}"),
            (Verdict::Intact { rows: 5 }, None) => {}
            (other, _) => panic!("{sql}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_audit_chain_refuses_change_and_stays_whole_when_many_write() {
    let app = TestApp::new().await;
    let subjects: Vec<String> = (0..20).map(|n| format!("thing {n}")).collect();
    futures_util::future::join_all(subjects.iter().map(|subject| act(&app, subject))).await;
    assert_eq!(verdict(&app).await, Verdict::Intact { rows: 20 });
    for sql in [
        "update kernel.audit set subject = ''",
        "delete from kernel.audit",
        "truncate kernel.audit",
    ] {
        let refused = sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(app.app.db.pool())
            .await;
        assert!(refused.is_err(), "{sql}");
    }
    // Another key is another chain.
    let other = kernel::audit::Audit::new(&[7; 32], app.clock.clone());
    let mut db = app.app.db.acquire().await.unwrap();
    assert!(matches!(
        other.verify(&mut db).await.unwrap(),
        Verdict::Broken { seq: 1, .. }
    ));
}

#[derive(Serialize, Deserialize)]
struct Fragile {}

impl Job for Fragile {
    const NAME: &'static str = "test:fragile";
    const ATTEMPTS: i16 = 2;
}

#[tokio::test]
async fn a_job_that_keeps_failing_becomes_a_dead_letter_that_staff_retry() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    let (mended, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let (now, finished) = (mended.clone(), done.clone());
    let handlers = Handlers::new().on(move |_: Fragile, _| {
        let (mended, done) = (now.clone(), finished.clone());
        async move {
            if mended.load(Ordering::SeqCst) {
                done.store(true, Ordering::SeqCst);
                return Ok(());
            }
            Err(kernel::Error::Unavailable("the thing is broken"))
        }
    });
    let (db, clock, tasks) = (&app.app.db, &app.clock, &app.app.tasks);
    let worker = Worker::new(db, clock, handlers, tasks).await.unwrap();
    jobs::enqueue(&mut db.acquire().await.unwrap(), Fragile {})
        .await
        .unwrap();
    worker.drain().await.unwrap();
    let waiting = owner.get("/jobs/dead").await.status(200);
    assert_eq!(waiting.body["items"], json!([]));
    // The pause before the second attempt is over.
    app.sql("update graphile_worker._private_jobs set run_at = now()")
        .await;
    worker.drain().await.unwrap();
    eventually("the dead letter", async || {
        owner.get("/jobs").await.body["dead"] == 1
    })
    .await;
    let dead = owner.get("/jobs/dead").await;
    assert_json_snapshot!(dead.steady());
    let left: i64 = app
        .value("select count(*) from graphile_worker._private_jobs")
        .await;
    assert_eq!(left, 0);

    mended.store(true, Ordering::SeqCst);
    let path = format!(
        "/jobs/dead/{}",
        dead.body["items"][0]["id"].as_str().unwrap()
    );
    owner
        .post(&format!("{path}/retry"), Value::Null)
        .await
        .status(204);
    owner
        .post(&format!("{path}/retry"), Value::Null)
        .await
        .status(404);
    worker.drain().await.unwrap();
    assert!(done.load(Ordering::SeqCst));
    let acts = owner.get("/audit").await.status(200);
    assert_eq!(acts.body["items"][0]["action"], "job.retried");
}

#[tokio::test]
async fn many_jobs_of_one_transaction_are_run_one_after_the_other_without_a_pause() {
    let app = TestApp::new().await;
    app.app.worker.start(&app.app.tasks);
    let mut tx = app.app.db.begin().await.unwrap();
    for n in 0..400 {
        let import = format!("00000000-0000-7000-8000-{n:012}").parse().unwrap();
        // About nothing that there is: done at once.
        jobs::enqueue(&mut tx, identity::jobs::TakeOver { import })
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    // A handful at each poll would take minutes.
    eventually("every job is done", async || {
        app.value::<i64>(
            "select count(*) from graphile_worker._private_jobs j
             join graphile_worker._private_tasks t on t.id = j.task_id
             where t.identifier = 'identity:take_over'",
        )
        .await
            == 0
    })
    .await;
}

#[tokio::test]
async fn a_dead_letter_can_be_given_up() {
    let app = TestApp::new().await;
    let owner = app.owner("eva").await;
    app.sql(
        "insert into kernel.dead_letters (id, job_id, task, payload, error, attempts)
         select gen_random_uuid(), n, 'test:fragile', '{}', 'broken', 2 from generate_series(1, 3) n",
    )
    .await;
    let first = owner.get("/jobs/dead?limit=2").await.status(200);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let second = owner
        .get(&format!("/jobs/dead?limit=2&cursor={cursor}"))
        .await
        .status(200);
    assert_eq!(second.body["items"].as_array().unwrap().len(), 1);
    let path = format!(
        "/jobs/dead/{}",
        second.body["items"][0]["id"].as_str().unwrap()
    );
    owner.delete(&path).await.status(204);
    owner.delete(&path).await.status(404);
    assert_eq!(owner.get("/jobs").await.body["dead"], 2);
}

#[tokio::test]
async fn a_limit_holds_when_everybody_comes_at_once() {
    let app = TestApp::new().await;
    let limits = Limits::new(app.app.db.pool().clone(), app.clock.clone());
    let quota = Quota {
        burst: 10,
        every: Duration::from_secs(6),
    };
    let attempts = (0..50).map(|_| limits.take("door", quota));
    let taken = futures_util::future::join_all(attempts).await;
    assert_eq!(taken.iter().filter(|taken| taken.is_ok()).count(), 10);
    for refused in taken.into_iter().filter_map(Result::err) {
        let kernel::Error::TooMany { retry_after } = refused else {
            panic!("{refused}")
        };
        assert_eq!(retry_after, Duration::from_secs(6));
    }
    limits.take("another door", quota).await.unwrap();
    app.clock.advance(time::Duration::seconds(12));
    let attempts = (0..5).map(|_| limits.take("door", quota));
    let taken = futures_util::future::join_all(attempts).await;
    assert_eq!(taken.iter().filter(|taken| taken.is_ok()).count(), 2);
    app.clock.advance(time::Duration::hours(1));
    assert_eq!(limits.sweep().await.unwrap(), 2);
}

#[tokio::test]
async fn a_sign_out_is_felt_on_every_node() {
    let app = TestApp::new().await;
    let node = app.second_node().await;
    let ada = app.member("ada").await;
    let there = ada.at(&node.url);
    // Cached on both.
    for _ in 0..2 {
        ada.get("/me").await.status(200);
        there.get("/me").await.status(200);
    }
    ada.delete("/sessions/current").await.status(204);
    eventually("the other node hears of it", async || {
        there.get("/me").await.code == 401
    })
    .await;
    node.app.tasks.cancel();
    node.app.db.close().await;
}

#[tokio::test]
async fn events_lie_in_the_partition_of_their_month() {
    let app = TestApp::new().await;
    app.registered("ada").await;
    let place: String = app
        .value("select tableoid::regclass::text || ' ' || to_char(occurred_at, 'YYYYMM') from kernel.events")
        .await;
    let (table, month) = place.split_once(' ').unwrap();
    assert_eq!(table, format!("kernel.events_{month}"));
    let mut db = app.app.db.acquire().await.unwrap();
    assert_eq!(
        events::make_partitions(&mut db, &app.clock, 3)
            .await
            .unwrap(),
        0
    );
    app.clock.advance(time::Duration::days(400));
    assert_eq!(
        events::make_partitions(&mut db, &app.clock, 3)
            .await
            .unwrap(),
        4
    );
    drop(db);
    app.registered("late").await;
    let strays: i64 = app
        .value("select count(*) from kernel.events_default")
        .await;
    assert_eq!(strays, 0);
}

fn steps(steps: &[(i64, &'static str)]) -> Migrator {
    let migrations = steps.iter().map(|(version, sql)| {
        let kind = MigrationType::Simple;
        Migration::new(
            *version,
            Cow::Borrowed("step"),
            kind,
            SqlStr::from_static(sql),
            false,
        )
    });
    Migrator {
        migrations: Cow::Owned(migrations.collect()),
        ..Migrator::DEFAULT
    }
}

#[tokio::test]
async fn a_failing_migration_leaves_the_schema_as_it_was() {
    prepare_process();
    let database = TestDatabase::empty().await;
    let db = Database::connect(&database.addresses(), 2).await.unwrap();
    let good = (1, "create table kernel.one (a int)");
    database::migrate(&db, &steps(&[good])).await.unwrap();
    let bad = (
        2,
        "alter table kernel.one add b int; create table kernel.two (a nonsense)",
    );
    let failed = database::migrate(&db, &steps(&[good, bad]))
        .await
        .unwrap_err();
    assert!(
        format!("{failed:#}").contains("keeps working"),
        "{failed:#}"
    );
    let columns: i64 = sqlx::query_scalar(
        "select count(*) from information_schema.columns where table_schema = 'kernel' and table_name = 'one'",
    )
    .fetch_one(db.pool())
    .await
    .unwrap();
    assert_eq!(columns, 1);
    let state = schema_state(db.pool(), &steps(&[good, bad])).await.unwrap();
    assert_eq!((state.version, state.pending), (Some(1), 1));
    // The version before still starts, and a mended one goes on.
    database::migrate(&db, &steps(&[good])).await.unwrap();
    database::migrate(
        &db,
        &steps(&[good, (2, "alter table kernel.one add b int")]),
    )
    .await
    .unwrap();
    db.close().await;
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    prepare_process();
    let database = TestDatabase::empty().await;
    let db = Database::connect(&database.addresses(), 2).await.unwrap();
    let (one, two) = (
        (1, "create table kernel.one (a int)"),
        (2, "create table kernel.two (a int)"),
    );
    database::migrate(&db, &steps(&[one, two])).await.unwrap();
    let refused = database::migrate(&db, &steps(&[one])).await.unwrap_err();
    assert!(
        format!("{refused:#}").contains("a newer Portico"),
        "{refused:#}"
    );
    let edited = (1, "create table kernel.one (a bigint)");
    let refused = database::migrate(&db, &steps(&[edited, two]))
        .await
        .unwrap_err();
    assert!(
        format!("{refused:#}").contains("was edited since"),
        "{refused:#}"
    );
    db.close().await;
}

#[tokio::test]
async fn servers_that_start_together_migrate_once() {
    prepare_process();
    let database = TestDatabase::empty().await;
    let start = async || {
        let db = Database::connect(&database.addresses(), 2).await.unwrap();
        database::migrate(&db, &portico::MIGRATIONS).await.unwrap();
        db.close().await;
    };
    tokio::join!(start(), start(), start());
    assert_json_snapshot!(steady(&json!({"in_public": in_public(&database).await})));
}

async fn in_public(database: &TestDatabase) -> i64 {
    let db = Database::connect(&database.addresses(), 2).await.unwrap();
    let tables = sqlx::query_scalar("select count(*) from pg_tables where schemaname = 'public'")
        .fetch_one(db.pool())
        .await
        .unwrap();
    db.close().await;
    tables
}

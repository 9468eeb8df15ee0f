//! The private cluster against real servers: each test makes one in a folder of its own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;
mod users;

use kernel::postgres::{Error, PrivateCluster, Settings, find_binaries};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{ConnectOptions, Connection};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};
use support::{Folder, connect, read, show, wait_until_gone, write};

#[tokio::test]
async fn a_cluster_is_made_kept_and_started_again() {
    let folder = Folder::new();
    let cluster = folder.start().await;
    assert!(!cluster.reattached());
    write(&cluster).await;

    let mut db = connect(&cluster).await;
    assert_eq!(show(&mut db, "data_checksums").await, "on");
    assert_eq!(show(&mut db, "wal_level").await, "logical");
    assert_eq!(show(&mut db, "listen_addresses").await, "");
    assert_eq!(show(&mut db, "fsync").await, "on");
    assert_eq!(show(&mut db, "max_slot_wal_keep_size").await, "2GB");
    assert_eq!(show(&mut db, "server_encoding").await, "UTF8");
    db.close().await.unwrap();
    assert_eq!(
        fs::metadata(cluster.socket_dir())
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o700
    );

    let pid = cluster.pid();
    cluster.stop().await.unwrap();
    wait_until_gone(pid);
    assert_eq!(PrivateCluster::attach(&folder.root()), None);

    let cluster = folder.start().await;
    assert!(!cluster.reattached());
    assert_eq!(read(&cluster).await, 42);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_server_is_started_again_with_all_that_was_committed() {
    let folder = Folder::new();
    let cluster = folder.start().await;
    write(&cluster).await;
    // A connection stays open, so that an orphaned process of the old server is in the way
    // for a while.
    let open = connect(&cluster).await;
    let pid = cluster.pid();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    drop(cluster);

    let cluster = folder.start().await;
    assert!(!cluster.reattached());
    assert_ne!(cluster.pid(), pid);
    assert_eq!(read(&cluster).await, 42);
    drop(open);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_died_under_us_is_started_again_in_place() {
    let folder = Folder::new();
    let cluster = folder.start().await;
    write(&cluster).await;
    assert!(!cluster.ensure_running().await.unwrap());
    let pid = cluster.pid();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    wait_until_gone(pid);
    assert!(cluster.ensure_running().await.unwrap());
    assert_eq!(read(&cluster).await, 42);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_outlived_us_is_taken_over() {
    let folder = Folder::new();
    let cluster = folder.start().await;
    write(&cluster).await;
    let pid = cluster.pid();
    drop(cluster);

    let mut settings = Settings::new(folder.root());
    settings
        .extra
        .push(("max_connections".to_owned(), "50".to_owned()));
    settings
        .extra
        .push(("work_mem".to_owned(), "9MB".to_owned()));
    let cluster = PrivateCluster::start(settings).await.unwrap();
    assert!(cluster.reattached());
    assert_eq!(cluster.pid(), pid);
    assert_eq!(read(&cluster).await, 42);
    assert_eq!(cluster.pending_restart(), ["max_connections"]);
    cluster.stop().await.unwrap();
    wait_until_gone(pid);
}

#[tokio::test]
async fn a_second_server_is_refused_and_a_command_beside_it_is_not() {
    let folder = Folder::new();
    let cluster = folder.start().await;
    let refused = PrivateCluster::start(Settings::new(folder.root()))
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::InUse(_)), "{refused}");

    let running = PrivateCluster::attach(&folder.root()).unwrap();
    assert_eq!(running.pid(), cluster.pid());
    let mut db = running.options("postgres").connect().await.unwrap();
    let one: i32 = sqlx::query_scalar("select 1")
        .fetch_one(&mut db)
        .await
        .unwrap();
    assert_eq!(one, 1);
    db.close().await.unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn half_a_cluster_that_a_kill_left_is_cleared_away() {
    let folder = Folder::new();
    fs::create_dir_all(folder.root().join("init.4711/base")).unwrap();
    fs::write(folder.root().join("init.4711/PG_VERSION"), "15\n").unwrap();
    fs::create_dir(folder.root().join("data")).unwrap();
    let cluster = folder.start().await;
    assert!(!folder.root().join("init.4711").exists());
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_folder_with_something_else_in_it_is_left_alone() {
    let folder = Folder::new();
    fs::create_dir_all(folder.root().join("data")).unwrap();
    fs::write(folder.root().join("data/letters"), "dear").unwrap();
    let refused = PrivateCluster::start(Settings::new(folder.root()))
        .await
        .unwrap_err();
    assert!(matches!(refused, Error::NotACluster(_)), "{refused}");
    assert_eq!(
        fs::read_to_string(folder.root().join("data/letters")).unwrap(),
        "dear"
    );
}

#[tokio::test]
async fn data_of_another_version_is_not_opened() {
    let folder = Folder::new();
    folder.start().await.stop().await.unwrap();
    fs::write(folder.root().join("data/PG_VERSION"), "14\n").unwrap();
    let refused = PrivateCluster::start(Settings::new(folder.root()))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, Error::OtherVersion { cluster: 14, .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("postgresql-14"), "{refused}");
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let folder = Folder::new();
    let mut settings = Settings::new(folder.root());
    settings
        .extra
        .push(("shared_buffers".to_owned(), "a lot".to_owned()));
    let refused = PrivateCluster::start(settings).await.unwrap_err();
    assert!(matches!(refused, Error::Ended { .. }), "{refused}");
    assert!(refused.to_string().contains("shared_buffers"), "{refused}");
    // What failed left nothing in the way.
    folder.start().await.stop().await.unwrap();
}

#[tokio::test]
async fn a_folder_without_programs_is_named() {
    let folder = Folder::new();
    let mut settings = Settings::new(folder.root());
    settings.binaries = Some("/nowhere".into());
    let refused = PrivateCluster::start(settings).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("/nowhere holds no PostgreSQL server"),
        "{refused}"
    );
    let mut settings = Settings::new(folder.root());
    settings.binaries = Some(find_binaries()[0].folder.clone());
    PrivateCluster::start(settings)
        .await
        .unwrap()
        .stop()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_a_short_one() {
    let folder = Folder::new();
    let long = folder.0.join("l'o \"n\\g".repeat(12)).join("postgres");
    let cluster = PrivateCluster::start(Settings::new(&long)).await.unwrap();
    write(&cluster).await;
    let socket = cluster.socket_dir().to_owned();
    assert!(!socket.starts_with(&folder.0), "{}", socket.display());
    let metadata = fs::metadata(&socket).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o700);
    assert_eq!(PrivateCluster::attach(&long).unwrap().socket_dir(), socket);
    // A server whose socket was cleaned away cannot be reached, and is replaced.
    drop(cluster);
    fs::remove_dir_all(&socket).unwrap();
    let cluster = PrivateCluster::start(Settings::new(&long)).await.unwrap();
    assert!(!cluster.reattached());
    assert_eq!(read(&cluster).await, 42);
    cluster.stop().await.unwrap();
    fs::remove_dir_all(&socket).unwrap();
}

#[tokio::test]
async fn a_long_log_is_put_aside() {
    let folder = Folder::new();
    fs::create_dir(folder.root()).unwrap();
    let log = folder.root().join("postgres.log");
    fs::File::create(&log)
        .unwrap()
        .set_len(11 * 1024 * 1024)
        .unwrap();
    folder.start().await.stop().await.unwrap();
    assert!(fs::metadata(&log).unwrap().len() < 1024 * 1024);
    assert_eq!(
        fs::metadata(folder.root().join("postgres.log.1"))
            .unwrap()
            .len(),
        11 * 1024 * 1024
    );
}

#[tokio::test]
async fn a_start_that_is_given_up_leaves_no_server() {
    let folder = Folder::new();
    folder.start().await.stop().await.unwrap();
    let start = tokio::time::timeout(
        Duration::ZERO,
        PrivateCluster::start(Settings::new(folder.root())),
    );
    // Whether it was given up before it began, or in the middle, the folder is free again after it.
    assert!(start.await.is_err());
    let begin = Instant::now();
    let cluster = loop {
        match PrivateCluster::start(Settings::new(folder.root())).await {
            Ok(cluster) => break cluster,
            Err(Error::InUse(_)) => assert!(begin.elapsed() < Duration::from_secs(30)),
            Err(error) => panic!("{error}"),
        }
    };
    assert!(!cluster.reattached());
    cluster.stop().await.unwrap();
}

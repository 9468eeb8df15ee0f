//! The private cluster against real servers: each test makes one in a folder of its own.
//!
//! As root, what concerns another kind of user runs this same program again as that user,
//! by the name of its (ignored) part.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use kernel::postgres::{Error, PrivateCluster, Settings, find_binaries};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// A folder that any user may pass through, removed at the end together with a server that
/// a failed test left.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path =
            std::env::temp_dir().join(format!("portico-cluster-{}", uuid::Uuid::now_v7().simple()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        Self(path)
    }

    fn root(&self) -> PathBuf {
        self.0.join("postgres")
    }

    async fn start(&self) -> PrivateCluster {
        PrivateCluster::start(Settings::new(self.root()))
            .await
            .unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(running) = PrivateCluster::attach(&self.root()) {
            let _ = kill(Pid::from_raw(running.pid()), Signal::SIGKILL);
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn connect(cluster: &PrivateCluster) -> PgConnection {
    cluster.options("postgres").connect().await.unwrap()
}

async fn write(cluster: &PrivateCluster) {
    let mut db = connect(cluster).await;
    sqlx::raw_sql("create table kept (n int); insert into kept values (42)")
        .execute(&mut db)
        .await
        .unwrap();
    db.close().await.unwrap();
}

async fn read(cluster: &PrivateCluster) -> i32 {
    let mut db = connect(cluster).await;
    let n = sqlx::query_scalar("select n from kept")
        .fetch_one(&mut db)
        .await
        .unwrap();
    db.close().await.unwrap();
    n
}

async fn show(db: &mut PgConnection, setting: &str) -> String {
    sqlx::query_scalar("select current_setting($1)")
        .bind(setting)
        .fetch_one(db)
        .await
        .unwrap()
}

/// Waits until a process is gone: reaped, or a zombie.
fn wait_until_gone(pid: i32) {
    let begin = Instant::now();
    while fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(
            begin.elapsed() < Duration::from_secs(30),
            "process {pid} does not end"
        );
        std::thread::yield_now();
    }
}

/// Runs an ignored test of this file in a process of its own, and answers what it printed
/// after the mark.
fn run_part(part: &str, wrapper: &[&str], folder: &Path) -> String {
    let this = std::env::current_exe().unwrap();
    // The build folder may be closed to the other user.
    let program = folder.join("part");
    fs::copy(this, &program).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let mut words: Vec<&str> = wrapper.to_vec();
    words.push(program.to_str().unwrap());
    let output = Command::new(words[0])
        .args(&words[1..])
        .args(["--exact", part, "--ignored", "--nocapture"])
        .env("PORTICO_PART_FOLDER", folder)
        .current_dir("/")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{stdout}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        stdout.contains("1 passed"),
        "the part did not run: {stdout}"
    );
    stdout
}

#[expect(
    clippy::disallowed_methods,
    reason = "one test hands another its folder"
)]
fn part_folder() -> PathBuf {
    std::env::var_os("PORTICO_PART_FOLDER")
        .expect("run by another test")
        .into()
}

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

/// What `cp -r` by root makes of it.
fn give_to_root(path: &Path) {
    chown(path, Some(0), Some(0)).unwrap();
    if path.is_dir() {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        for entry in fs::read_dir(path).unwrap() {
            give_to_root(&entry.unwrap().path());
        }
    }
}

#[tokio::test]
async fn root_hands_a_copied_cluster_back_to_the_user_it_runs_as() {
    if !geteuid().is_root() {
        return;
    }
    let folder = Folder::new();
    let cluster = folder.start().await;
    assert_eq!(cluster.user(), "postgres");
    write(&cluster).await;
    cluster.stop().await.unwrap();
    give_to_root(&folder.root());
    let cluster = folder.start().await;
    assert_eq!(read(&cluster).await, 42);
    let data = fs::metadata(folder.root().join("data")).unwrap();
    assert_ne!(data.uid(), 0);
    assert_eq!(data.permissions().mode() & 0o777, 0o700);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_closed_folder_above_is_named_with_what_to_do() {
    if !geteuid().is_root() {
        return;
    }
    let folder = Folder::new();
    let closed = folder.0.join("closed");
    let deep = closed.join("deeper/data/postgres");
    fs::create_dir_all(&deep).unwrap();
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    let refused = PrivateCluster::start(Settings::new(&deep))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains(&format!("may not pass through {}.", closed.display())),
        "{refused}"
    );
    assert!(
        refused.contains(&format!("chmod o+x {})", closed.display())),
        "{refused}"
    );
    // To be passed through is enough: nobody needs to read what is there.
    fs::set_permissions(&closed, Permissions::from_mode(0o711)).unwrap();
    PrivateCluster::start(Settings::new(&deep))
        .await
        .unwrap()
        .stop()
        .await
        .unwrap();
}

#[test]
fn an_ordinary_user_runs_it_as_themselves() {
    if !geteuid().is_root() {
        return;
    }
    let folder = Folder::new();
    chown(&folder.0, Some(65534), Some(65534)).unwrap();
    run_part(
        "part_as_an_ordinary_user",
        &[
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ],
        &folder.0,
    );
    // Root, who comes later, leaves the cluster its user.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let cluster = folder.start().await;
        assert_eq!(cluster.user(), "nobody");
        assert_eq!(read(&cluster).await, 42);
        cluster.stop().await.unwrap();
    });
}

#[tokio::test]
#[ignore = "run by an_ordinary_user_runs_it_as_themselves"]
async fn part_as_an_ordinary_user() {
    assert!(!geteuid().is_root());
    let root = part_folder().join("postgres");
    let cluster = PrivateCluster::start(Settings::new(&root)).await.unwrap();
    assert_eq!(
        fs::metadata(&root).unwrap().permissions().mode() & 0o777,
        0o700
    );
    write(&cluster).await;
    drop(cluster);
    let cluster = PrivateCluster::start(Settings::new(&root)).await.unwrap();
    assert!(cluster.reattached());
    kill(Pid::from_raw(cluster.pid()), Signal::SIGKILL).unwrap();
    drop(cluster);
    let cluster = PrivateCluster::start(Settings::new(&root)).await.unwrap();
    assert!(!cluster.reattached());
    assert_eq!(read(&cluster).await, 42);
    cluster.stop().await.unwrap();
}

#[test]
fn a_cluster_of_somebody_else_is_named_with_what_to_do() {
    if !geteuid().is_root() {
        return;
    }
    let folder = Folder::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async { folder.start().await.stop().await.unwrap() });
    let said = run_part(
        "part_with_a_cluster_of_somebody_else",
        &[
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ],
        &folder.0,
    );
    assert!(
        said.contains("belongs to postgres, and Portico was started by nobody"),
        "{said}"
    );
    assert!(said.contains("chown -R nobody"), "{said}");
}

#[tokio::test]
#[ignore = "run by a_cluster_of_somebody_else_is_named_with_what_to_do"]
async fn part_with_a_cluster_of_somebody_else() {
    let refused = PrivateCluster::start(Settings::new(part_folder().join("postgres")))
        .await
        .unwrap_err();
    println!("{refused}");
}

/// A container's root may not look into other users' processes.
#[test]
fn root_without_the_right_to_inspect_processes_finds_the_server_all_the_same() {
    if !geteuid().is_root() {
        return;
    }
    let folder = Folder::new();
    run_part(
        "part_without_the_right_to_inspect_processes",
        &[
            "setpriv",
            "--bounding-set=-sys_ptrace",
            "--inh-caps=-sys_ptrace",
        ],
        &folder.0,
    );
}

#[tokio::test]
#[ignore = "run by root_without_the_right_to_inspect_processes_finds_the_server_all_the_same"]
async fn part_without_the_right_to_inspect_processes() {
    let root = part_folder().join("postgres");
    let cluster = PrivateCluster::start(Settings::new(&root)).await.unwrap();
    let pid = cluster.pid();
    let hidden = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_err();
    assert_eq!(hidden.kind(), std::io::ErrorKind::PermissionDenied);
    write(&cluster).await;
    drop(cluster);
    assert_eq!(PrivateCluster::attach(&root).unwrap().pid(), pid);
    let cluster = PrivateCluster::start(Settings::new(&root)).await.unwrap();
    assert!(cluster.reattached());
    let open = connect(&cluster).await;
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    drop(cluster);
    let cluster = PrivateCluster::start(Settings::new(&root)).await.unwrap();
    assert!(!cluster.reattached());
    assert_eq!(read(&cluster).await, 42);
    drop(open);
    cluster.stop().await.unwrap();
}

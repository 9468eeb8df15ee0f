//! Who runs it: root, an ordinary user, the root of a container.
//!
//! As root, what concerns another kind of user runs this same program again as that user, by the
//! name of its (ignored) part.

use crate::support::{Folder, connect, read, write};
use kernel::postgres::{PrivateCluster, Settings};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};
use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

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
        "users::part_as_an_ordinary_user",
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
        "users::part_with_a_cluster_of_somebody_else",
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
        "users::part_without_the_right_to_inspect_processes",
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

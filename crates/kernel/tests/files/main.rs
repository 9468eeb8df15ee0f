//! Files over real HTTP, with a folder and a database of its own for each test.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test reads its own environment, starts its own tasks, and may fall over"
)]

use axum::{extract::Request, middleware::Next, response::Response};
use futures_util::FutureExt;
use kernel::{
    Clock, Permission, Principal,
    database::{Addresses, Database},
    files::{DOCUMENTS, Files, FilesConfig, IMAGES, Purpose, Readers, Swept, router},
    id::{SessionId, UserId},
};
use serde_json::Value;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use std::{
    net::SocketAddr,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
};
use time::{Duration, OffsetDateTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and so on";

struct App {
    address: SocketAddr,
    folder: PathBuf,
    files: Files,
    clock: Clock,
    db: Database,
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn id(&self) -> String {
        assert_eq!(self.status, 201, "{}", String::from_utf8_lossy(&self.body));
        self.json()["id"].as_str().unwrap().to_owned()
    }
}

/// Stands for the layer that knows sessions: the header says who calls, and with which right.
async fn identify(mut request: Request, next: Next) -> Response {
    let who = request
        .headers()
        .get("x-test-user")
        .map(|value| value.to_str().unwrap().to_owned());
    if let Some(who) = who {
        let (user, rights) = who.split_once(' ').unwrap_or((&who, ""));
        request.extensions_mut().insert(Principal {
            user: user.parse().unwrap(),
            session: SessionId::new(),
            permissions: rights.split(' ').filter_map(Permission::parse).collect(),
            authenticated_at: time::OffsetDateTime::UNIX_EPOCH,
            second_factor_due: false,
        });
    }
    next.run(request).await
}

async fn statement(db: &mut PgConnection, sql: String) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(db)
        .await
        .unwrap();
}

impl App {
    async fn with(test: impl AsyncFnOnce(&Self)) {
        let server: PgConnectOptions = std::env::var("PORTICO_TEST_DATABASE_URL")
            .expect("PORTICO_TEST_DATABASE_URL: eval \"$(script/db start)\"")
            .parse()
            .unwrap();
        let name = format!("test_files_{}", uuid::Uuid::now_v7().simple());
        let mut control = PgConnection::connect_with(&server).await.unwrap();
        statement(&mut control, format!("create database {name}")).await;
        let db = Database::connect(&Addresses::single(server.database(&name)), 4)
            .await
            .unwrap();
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
        let migrator = sqlx::migrate::Migrator::new(migrations).await.unwrap();
        kernel::database::migrate(&db, &migrator).await.unwrap();

        let folder = std::env::temp_dir().join(&name);
        let clock = Clock::fixed(OffsetDateTime::now_utc());
        let images = IMAGES.to_vec();
        let purposes = vec![
            Purpose {
                name: "avatar",
                largest: 100,
                media_types: images,
                readers: Readers::SignedIn,
            },
            Purpose {
                name: "attachment",
                largest: 20 * 1024 * 1024,
                media_types: [IMAGES, DOCUMENTS].concat(),
                readers: Readers::Owner,
            },
        ];
        let config = FilesConfig::default();
        let files = Files::new(db.clone(), &folder, &config, purposes, clock.clone()).unwrap();
        let (routes, _) = router().with_state(files.clone()).split_for_parts();
        let routes = routes.layer(axum::middleware::from_fn(identify));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await });

        let app = Self {
            address,
            folder,
            files,
            clock,
            db,
        };
        let ended = AssertUnwindSafe(test(&app)).catch_unwind().await;
        serving.abort();
        app.db.close().await;
        statement(&mut control, format!("drop database {name} with (force)")).await;
        std::fs::remove_dir_all(&app.folder).unwrap();
        if let Err(failed) = ended {
            std::panic::resume_unwind(failed);
        }
    }

    async fn send(&self, line: &str, who: &str, headers: &str, body: &[u8]) -> Answer {
        let mut socket = tokio::net::TcpStream::connect(self.address).await.unwrap();
        let who = if who.is_empty() {
            String::new()
        } else {
            format!("x-test-user: {who}\r\n")
        };
        let head = format!(
            "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{who}{headers}content-length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        // The server may answer and hang up before it has taken everything.
        let _ = socket.write_all(body).await;
        let mut all = Vec::new();
        let _ = socket.read_to_end(&mut all).await;
        let end = all
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("an answer");
        let head = String::from_utf8(all[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer {
            status,
            head,
            body: all[end + 4..].to_vec(),
        }
    }

    async fn get(&self, id: &str, who: &str, headers: &str) -> Answer {
        self.send(&format!("GET /files/{id}"), who, headers, b"")
            .await
    }

    async fn upload(&self, purpose: &str, who: &str, name: &str, content: &[u8]) -> Answer {
        let body = form("file", name, content);
        self.send(&format!("POST /files?purpose={purpose}"), who, FORM, &body)
            .await
    }

    /// That this many files are kept, and nothing of any other.
    async fn assert_kept(&self, files: usize) {
        let rows: i64 = sqlx::query_scalar("select count(*) from kernel.files")
            .fetch_one(self.db.pool())
            .await
            .unwrap();
        assert_eq!(usize::try_from(rows).unwrap(), files);
        // What was taken back is removed in the background; the sweep takes what is left of it.
        self.clock.advance(Duration::days(2));
        self.files.sweep().await.unwrap();
        assert_eq!(self.stored(), files);
    }

    /// Everything that lies in the folder.
    fn stored(&self) -> usize {
        let shards = std::fs::read_dir(self.folder.join("files")).unwrap();
        shards
            .map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count())
            .sum()
    }
}

const FORM: &str = "content-type: multipart/form-data; boundary=b\r\n";

fn form(field: &str, name: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--b\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
         content-type: text/html\r\n\r\n"
    );
    [head.as_bytes(), content, b"\r\n--b--\r\n"].concat()
}

fn user() -> String {
    UserId::new().to_string()
}

#[tokio::test]
async fn a_file_comes_back_as_it_went_in() {
    App::with(async |app| {
        let ada = user();
        let sent = app
            .upload("attachment", &ada, "../gr\u{fc}\u{df} \u{2603}.png", PNG)
            .await;
        let id = sent.id();
        let view = sent.json();
        assert_eq!(view["name"], "gr\u{fc}\u{df} \u{2603}.png");
        assert_eq!(
            view["media_type"], "image/png",
            "not what the sender claimed"
        );
        assert_eq!(view["size"], PNG.len());
        assert_eq!(view["owner"], ada);

        let got = app.get(&id, &ada, "").await;
        assert_eq!((got.status, got.body.as_slice()), (200, PNG));
        assert_eq!(got.header("content-type"), Some("image/png"));
        assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(
            got.header("content-security-policy"),
            Some("default-src 'none'; sandbox")
        );
        assert_eq!(
            got.header("content-disposition"),
            Some(
                "inline; filename=\"gr__ _.png\"; filename*=UTF-8''gr%C3%BC%C3%9F%20%E2%98%83.png"
            )
        );
        let tag = got.header("etag").unwrap();
        assert_eq!(tag, format!("\"{}\"", view["sha256"].as_str().unwrap()));
        let again = app
            .get(&id, &ada, &format!("if-none-match: {tag}\r\n"))
            .await;
        assert_eq!((again.status, again.body.len()), (304, 0));
    })
    .await;
}

#[tokio::test]
async fn a_large_file_is_streamed_and_its_parts_can_be_read() {
    App::with(async |app| {
        let ada = user();
        // More than two parts of the store, and not a multiple of anything.
        let content: Vec<u8> = (0..11_500_001_u32)
            .map(|n| b'a' + u8::try_from(n % 23).unwrap())
            .collect();
        let id = app
            .upload("attachment", &ada, "long.txt", &content)
            .await
            .id();
        let got = app.get(&id, &ada, "").await;
        assert!(got.status == 200 && got.body == content);
        assert_eq!(
            got.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
        assert!(
            got.header("content-disposition")
                .unwrap()
                .starts_with("attachment;")
        );

        let part = app.get(&id, &ada, "range: bytes=6000000-6000009\r\n").await;
        assert_eq!(
            (part.status, part.body.as_slice()),
            (206, &content[6_000_000..6_000_010])
        );
        assert_eq!(
            part.header("content-range"),
            Some("bytes 6000000-6000009/11500001")
        );
        let end = app.get(&id, &ada, "range: bytes=-5\r\n").await;
        assert_eq!(
            (end.status, end.body.as_slice()),
            (206, &content[11_499_996..])
        );
        let beyond = app.get(&id, &ada, "range: bytes=11500001-\r\n").await;
        assert_eq!(
            (beyond.status, beyond.header("content-range")),
            (416, Some("bytes */11500001"))
        );
        assert_eq!(beyond.json()["code"], "range_past_end");
        let changed = app
            .get(&id, &ada, "range: bytes=0-1\r\nif-range: \"other\"\r\n")
            .await;
        assert_eq!((changed.status, changed.body.len()), (200, content.len()));
    })
    .await;
}

#[tokio::test]
async fn only_those_concerned_read_and_delete() {
    App::with(async |app| {
        let (ada, bob) = (user(), user());
        let id = app.upload("attachment", &ada, "cv.png", PNG).await.id();
        let picture = app.upload("avatar", &ada, "me.png", PNG).await.id();
        assert_eq!(app.upload("avatar", "", "me.png", PNG).await.status, 401);
        assert_eq!(app.get(&id, "", "").await.status, 401);
        assert_eq!(app.get(&picture, "", "").await.status, 401);
        assert_eq!(app.get(&picture, &bob, "").await.status, 200);
        assert_eq!(
            app.get(&id, &bob, "").await.status,
            404,
            "not even that it exists"
        );
        assert_eq!(
            app.get(&id, &format!("{bob} files.read"), "").await.status,
            200
        );

        let delete = async |id: &str, who: &str| {
            app.send(&format!("DELETE /files/{id}"), who, "", b"")
                .await
                .status
        };
        assert_eq!(delete(&id, "").await, 401);
        assert_eq!(delete(&id, &bob).await, 404);
        assert_eq!(delete(&id, &format!("{bob} files.read")).await, 403);
        assert_eq!(delete(&picture, &bob).await, 403);
        assert_eq!(
            delete(&picture, &format!("{bob} files.read files.write")).await,
            204
        );
        assert_eq!(delete(&id, &ada).await, 204);
        assert_eq!(delete(&id, &ada).await, 404);
        assert_eq!(app.get(&id, &ada, "").await.status, 404);
        assert_eq!(app.get("not-an-id", &ada, "").await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_taken_leaves_nothing_behind() {
    App::with(async |app| {
        let ada = user();
        let html = b"<script>alert(1)</script>".as_slice();
        let huge = [PNG, &vec![7; 12 * 1024 * 1024]].concat();
        for (purpose, name, content, status, code, field) in [
            ("avatar", "page.png", html, 422, "invalid_input", "file"),
            ("attachment", "page.txt", html, 422, "invalid_input", "file"),
            (
                "avatar",
                "notes.png",
                b"just text",
                422,
                "invalid_input",
                "file",
            ),
            ("avatar", "empty.png", b"", 422, "invalid_input", "file"),
            ("nothing", "me.png", PNG, 422, "invalid_input", "purpose"),
            ("avatar", "huge.png", &huge, 413, "file_too_large", ""),
            (
                "avatar",
                "just-over.png",
                &huge[..101],
                413,
                "file_too_large",
                "",
            ),
        ] {
            let answer = app.upload(purpose, &ada, name, content).await;
            let problem = answer.json();
            assert_eq!(
                (answer.status, problem["code"].as_str()),
                (status, Some(code)),
                "{name}"
            );
            if !field.is_empty() {
                assert_eq!(problem["errors"][0]["field"], field, "{name}");
            }
        }
        let long = [PNG, &vec![7; 21 * 1024 * 1024]].concat();
        assert_eq!(
            app.upload("attachment", &ada, "long.png", &long)
                .await
                .status,
            413
        );
        assert_eq!(
            app.upload("avatar", &ada, "fits.png", &huge[..100])
                .await
                .status,
            201
        );
        app.assert_kept(1).await;
    })
    .await;
}

#[tokio::test]
async fn a_form_that_cannot_be_read_is_refused_with_a_code() {
    App::with(async |app| {
        let ada = user();
        let post = "POST /files?purpose=avatar";
        for (line, headers, body, status) in [
            (post, "content-type: image/png\r\n", PNG.to_vec(), 415),
            (post, FORM, form("picture", "me.png", PNG), 422),
            (post, FORM, b"--b--\r\n".to_vec(), 422),
            (post, FORM, b"no form at all".to_vec(), 400),
            ("POST /files", FORM, form("file", "me.png", PNG), 400),
            (
                "POST /files?purpose=avatar&admin=1",
                FORM,
                form("file", "me.png", PNG),
                400,
            ),
        ] {
            let answer = app.send(line, &ada, headers, &body).await;
            assert_eq!(
                answer.status,
                status,
                "{line} {}",
                String::from_utf8_lossy(&answer.body)
            );
            assert!(answer.json()["code"].is_string());
        }
        // Half a form, as from a connection that broke off.
        let half = form("file", "me.png", PNG);
        let answer = app.send(post, &ada, FORM, &half[..half.len() - 12]).await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (400, Some("unreadable_form"))
        );

        app.assert_kept(0).await;
    })
    .await;
}

#[tokio::test]
async fn the_sweep_clears_what_nobody_can_see_and_nothing_else() {
    App::with(async |app| {
        let ada = user();
        let kept = app.upload("attachment", &ada, "kept.png", PNG).await.id();
        let gone = app.upload("attachment", &ada, "gone.png", PNG).await.id();
        app.send(&format!("DELETE /files/{gone}"), &ada, "", b"")
            .await;
        // What a server that was killed leaves: bytes without a row, and half an upload.
        let shard = app.folder.join("files/0f");
        std::fs::create_dir_all(&shard).unwrap();
        std::fs::write(shard.join("0199f0e0-0000-7000-8000-00000000000f"), "orphan").unwrap();
        std::fs::write(shard.join("0199f0e0-0000-7000-8000-00000000000f#1"), "half").unwrap();
        std::fs::write(shard.join("README"), "not ours").unwrap();
        assert_eq!(app.stored(), 5);

        // Young things are left alone: an upload that goes on looks like an orphan.
        assert_eq!(app.files.sweep().await.unwrap(), Swept::default());
        app.clock.advance(Duration::days(2));
        let swept = app.files.sweep().await.unwrap();
        assert_eq!(
            swept,
            Swept {
                deleted: 0,
                orphans: 1,
                unfinished: 1
            }
        );
        assert_eq!(app.stored(), 3);
        app.clock.advance(Duration::days(29));
        let swept = app.files.sweep().await.unwrap();
        assert_eq!(
            swept,
            Swept {
                deleted: 1,
                orphans: 0,
                unfinished: 0
            }
        );
        assert_eq!(app.files.sweep().await.unwrap(), Swept::default());
        assert_eq!(app.stored(), 2);
        assert_eq!(app.get(&kept, &ada, "").await.body, PNG);
    })
    .await;
}

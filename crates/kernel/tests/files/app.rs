//! A server with files only, over a database and a place of its own.

use axum::{extract::Request, middleware::Next, response::Response};
use futures_util::{FutureExt, TryStreamExt};
use kernel::{
    Clock, Permission, Principal,
    database::{Addresses, Database},
    files::{DOCUMENTS, Files, FilesConfig, IMAGES, Purpose, Readers, S3Config, Senders, router},
    id::{SessionId, UserId},
};
use object_store::{
    ObjectStore, ObjectStoreExt, aws::AmazonS3Builder, local::LocalFileSystem, path::Path,
    prefix::PrefixStore,
};
use serde_json::Value;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use std::{
    net::SocketAddr,
    panic::AssertUnwindSafe,
    path::{self, PathBuf},
    sync::Arc,
};
use time::{Duration, OffsetDateTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub(crate) struct App {
    address: SocketAddr,
    pub(crate) folder: PathBuf,
    /// Where the bytes are, looked at from outside.
    store: Arc<dyn ObjectStore>,
    pub(crate) in_bucket: bool,
    pub(crate) files: Files,
    pub(crate) clock: Clock,
    db: Database,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn id(&self) -> String {
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
            authenticated_at: OffsetDateTime::UNIX_EPOCH,
            second_factor_due: false,
            acting: None,
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
    pub(crate) async fn with(test: impl AsyncFnOnce(&Self)) {
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
        let migrations = path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
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
                senders: Senders::SignedIn,
                readers: Readers::SignedIn,
            },
            Purpose {
                name: "attachment",
                largest: 20 * 1024 * 1024,
                media_types: [IMAGES, DOCUMENTS].concat(),
                senders: Senders::SignedIn,
                readers: Readers::Owner,
            },
        ];
        let (config, store) = place(&folder, &name);
        let files = Files::new(db.clone(), &folder, &config, purposes, clock.clone()).unwrap();
        let (routes, _) = router().with_state(files.clone()).split_for_parts();
        let routes = routes.layer(axum::middleware::from_fn(identify));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await });

        let app = Self {
            address,
            folder,
            store,
            in_bucket: config.s3.is_some(),
            files,
            clock,
            db,
        };
        let ended = AssertUnwindSafe(test(&app)).catch_unwind().await;
        serving.abort();
        app.db.close().await;
        statement(&mut control, format!("drop database {name} with (force)")).await;
        let _ = std::fs::remove_dir_all(&app.folder);
        if let Err(failed) = ended {
            std::panic::resume_unwind(failed);
        }
    }

    pub(crate) async fn send(&self, line: &str, who: &str, headers: &str, body: &[u8]) -> Answer {
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

    pub(crate) async fn get(&self, id: &str, who: &str, headers: &str) -> Answer {
        self.send(&format!("GET /files/{id}"), who, headers, b"")
            .await
    }

    pub(crate) async fn upload(
        &self,
        purpose: &str,
        who: &str,
        name: &str,
        content: &[u8],
    ) -> Answer {
        let body = form("file", name, content);
        self.send(&format!("POST /files?purpose={purpose}"), who, FORM, &body)
            .await
    }

    /// That this many files are kept, and nothing of any other.
    pub(crate) async fn assert_kept(&self, files: usize) {
        let rows: i64 = sqlx::query_scalar("select count(*) from kernel.files")
            .fetch_one(self.db.pool())
            .await
            .unwrap();
        assert_eq!(usize::try_from(rows).unwrap(), files);
        // What was taken back is removed in the background; the sweep takes what is left of it.
        self.clock.advance(Duration::days(2));
        self.files.sweep().await.unwrap();
        assert_eq!(self.stored().await, files);
    }

    /// Everything that is kept.
    pub(crate) async fn stored(&self) -> usize {
        if !self.in_bucket {
            // Half an upload is a file with a name of its own.
            let shards = std::fs::read_dir(self.folder.join("files")).unwrap();
            return shards
                .map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count())
                .sum();
        }
        let all: Vec<_> = self.store.list(None).try_collect().await.unwrap();
        all.len()
    }

    pub(crate) async fn leave_behind(&self, path: &str, text: &'static str) {
        self.store
            .put(&Path::from(path), text.into())
            .await
            .unwrap();
    }
}

/// A folder, or the bucket that the environment names.
fn place(folder: &path::Path, name: &str) -> (FilesConfig, Arc<dyn ObjectStore>) {
    let Ok(bucket) = std::env::var("PORTICO_TEST_S3") else {
        let files = folder.join("files");
        std::fs::create_dir_all(&files).unwrap();
        let store = LocalFileSystem::new_with_prefix(files).unwrap();
        return (FilesConfig::default(), Arc::new(store));
    };
    let parts: Vec<&str> = bucket.split(' ').collect();
    let [endpoint, bucket, key, secret] = parts[..] else {
        panic!("PORTICO_TEST_S3: endpoint bucket key secret");
    };
    let store = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region("us-east-1")
        .with_endpoint(endpoint)
        .with_allow_http(true)
        .with_access_key_id(key)
        .with_secret_access_key(secret)
        .build()
        .unwrap();
    let config = FilesConfig {
        folder: None,
        s3: Some(S3Config {
            bucket: bucket.to_owned(),
            region: None,
            endpoint: Some(endpoint.to_owned()),
            prefix: name.to_owned(),
            access_key_id: Some(key.to_owned()),
            secret_access_key: Some(secret.to_owned().into()),
        }),
    };
    (config, Arc::new(PrefixStore::new(store, name)))
}

pub(crate) const FORM: &str = "content-type: multipart/form-data; boundary=b\r\n";

pub(crate) fn form(field: &str, name: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--b\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
         content-type: text/html\r\n\r\n"
    );
    [head.as_bytes(), content, b"\r\n--b--\r\n"].concat()
}

pub(crate) fn user() -> String {
    UserId::new().to_string()
}

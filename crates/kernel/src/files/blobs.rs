//! The bytes: a folder or a bucket. It knows ids, not files.

use super::{config::FilesConfig, model::FileId};
use anyhow::Context;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    ClientOptions, GetOptions, ObjectStore, ObjectStoreExt, RetryConfig, aws::AmazonS3Builder,
    buffered::BufWriter, local::LocalFileSystem, path::Path as Key,
};
use secrecy::ExposeSecret;
use std::{
    fmt, fs,
    ops::Range,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use time::OffsetDateTime;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

/// The smallest part that S3 takes; what is smaller is sent in one piece.
const PART: usize = 5 * 1024 * 1024;

/// How long the store may take to answer a probe.
const PROBE: Duration = Duration::from_secs(30);

/// Where the bytes are.
#[derive(Clone)]
pub(super) struct Blobs {
    store: Arc<dyn ObjectStore>,
    prefix: Key,
    /// Set when it is a folder.
    folder: Option<PathBuf>,
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.store)
    }
}

/// Bytes on their way in. Dropped before [`Incoming::finish`], they were never there.
pub(super) struct Incoming(BufWriter);

impl Incoming {
    pub(super) async fn write(&mut self, bytes: Bytes) -> anyhow::Result<()> {
        self.0.put(bytes).await.context("writing a file")
    }

    pub(super) async fn finish(mut self) -> anyhow::Result<()> {
        self.0.shutdown().await.context("finishing a file")
    }

    pub(super) async fn abort(mut self) {
        // What cannot be cleaned up now is an orphan, and swept.
        if let Err(error) = self.0.abort().await {
            tracing::debug!(%error, "an upload could not be taken back");
        }
    }
}

/// A bucket that does not answer must not hold a request for minutes.
fn retries() -> RetryConfig {
    RetryConfig {
        max_retries: 3,
        retry_timeout: Duration::from_secs(20),
        ..RetryConfig::default()
    }
}

/// What to look at, by the code that S3 gives: its answer is a page long, and says less.
fn explain(error: &anyhow::Error) -> anyhow::Error {
    let said = format!("{error:#}");
    let code = said
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"))
        .map_or("", |(code, _)| code);
    let advice = match code {
        "SignatureDoesNotMatch" => "the secret is not the access key's: check secret_access_key",
        "InvalidAccessKeyId" => "the bucket does not know this access key: check access_key_id",
        "AccessDenied" => {
            "this access key may not write, read and delete in this bucket: check the bucket's \
             name, and that the key has the rights to GetObject, PutObject, DeleteObject, \
             AbortMultipartUpload and ListBucket"
        }
        "NoSuchBucket" => "there is no such bucket: check bucket, region and endpoint",
        _ if said.contains("error sending request") => {
            "nobody answers at this address: check endpoint"
        }
        _ => return anyhow::anyhow!("{}", said.lines().next().unwrap_or_default()),
    };
    anyhow::anyhow!("{advice}")
}

impl Blobs {
    pub(super) fn open(data: &Path, config: &FilesConfig) -> anyhow::Result<Self> {
        if let Some(s3) = &config.s3 {
            let mut builder = AmazonS3Builder::new()
                .with_bucket_name(&s3.bucket)
                .with_region(s3.region.as_deref().unwrap_or("us-east-1"))
                .with_retry(retries())
                // One at a time: not every server knows how to delete many.
                .with_disable_bulk_delete(true);
            if let Some(endpoint) = &s3.endpoint {
                let local = url::Url::parse(endpoint)
                    .context("files.s3.endpoint is no URL")?
                    .host_str()
                    .is_some_and(|host| matches!(host, "localhost" | "127.0.0.1" | "[::1]"));
                builder = builder
                    .with_endpoint(endpoint)
                    .with_client_options(ClientOptions::new().with_allow_http(local));
            }
            match (&s3.access_key_id, &s3.secret_access_key) {
                (Some(id), Some(secret)) => {
                    builder = builder
                        .with_access_key_id(id)
                        .with_secret_access_key(secret.expose_secret());
                }
                (None, None) => {}
                _ => anyhow::bail!(
                    "files.s3 has one of access_key_id and secret_access_key: it takes both or none"
                ),
            }
            let store = Arc::new(builder.build().context("files.s3")?);
            return Ok(Self {
                store,
                prefix: Key::from(s3.prefix.as_str()),
                folder: None,
            });
        }
        let folder = config.folder.clone().unwrap_or_else(|| data.join("files"));
        let what = || format!("the folder for files, {}", folder.display());
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .with_context(what)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).with_context(what)?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .with_context(what)?
            .with_fsync(true);
        Ok(Self {
            store: Arc::new(store),
            prefix: Key::default(),
            folder: Some(folder),
        })
    }

    /// Writes a few bytes, reads them and removes them; what stands in the way, in words that
    /// help.
    pub(super) async fn probe(&self) -> anyhow::Result<()> {
        let key = self
            .prefix
            .clone()
            .join(format!("probe-{}", Uuid::now_v7()));
        let work = async {
            let text = Bytes::from_static(b"written to see whether files can be kept");
            self.store.put(&key, text.clone().into()).await?;
            let read = self.store.get(&key).await?.bytes().await?;
            self.store.delete(&key).await?;
            anyhow::ensure!(read == text, "what comes back is not what was written");
            Ok(())
        };
        match tokio::time::timeout(PROBE, work).await {
            Ok(done) => done.map_err(|error: anyhow::Error| explain(&error)),
            Err(_) => anyhow::bail!("no answer within {} seconds", PROBE.as_secs()),
        }
    }

    /// The last byte of an id is chance, so that folders fill evenly.
    fn key(&self, id: Uuid) -> Key {
        let shard = format!("{:02x}", id.as_bytes()[15]);
        self.prefix.clone().join(shard).join(id.to_string())
    }

    pub(super) fn write(&self, id: FileId) -> Incoming {
        let writer = BufWriter::with_capacity(Arc::clone(&self.store), self.key(id.0), PART);
        Incoming(writer.with_max_concurrency(2))
    }

    /// The bytes of a file, or these of them.
    pub(super) async fn read(
        &self,
        id: FileId,
        range: Range<u64>,
    ) -> anyhow::Result<BoxStream<'static, object_store::Result<Bytes>>> {
        let options = GetOptions {
            range: Some(range.into()),
            ..GetOptions::default()
        };
        let found = self.store.get_opts(&self.key(id.0), options).await;
        Ok(found
            .with_context(|| format!("the bytes of file {id}"))?
            .into_stream())
    }

    /// Removes bytes; that they are not there is as good.
    pub(super) async fn remove(&self, id: Uuid) -> anyhow::Result<()> {
        match self.store.delete(&self.key(id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("removing the bytes of file {id}")),
        }
    }

    /// The ids of what was written before this time.
    pub(super) fn written_before(
        &self,
        time: OffsetDateTime,
    ) -> BoxStream<'static, anyhow::Result<Uuid>> {
        let prefix = self.prefix.clone();
        self.store
            .list(Some(&prefix))
            .map_err(|error| anyhow::Error::new(error).context("listing the files"))
            .try_filter_map(move |object| {
                let old = object.last_modified.timestamp() < time.unix_timestamp();
                // What is not named by an id is not ours.
                let id = object
                    .location
                    .filename()
                    .and_then(|name| name.parse().ok());
                std::future::ready(Ok(id.filter(|_| old)))
            })
            .boxed()
    }

    /// Removes what uploads have left that were killed with the server. A bucket does this by
    /// itself, with a rule for unfinished uploads.
    pub(super) async fn remove_unfinished(&self, before: OffsetDateTime) -> anyhow::Result<u64> {
        let Some(folder) = &self.folder else {
            return Ok(0);
        };
        let before = SystemTime::from(before);
        let mut removed = 0;
        let mut shards = tokio::fs::read_dir(folder).await?;
        while let Some(shard) = shards.next_entry().await? {
            if !shard.file_type().await?.is_dir() {
                continue;
            }
            let mut entries = tokio::fs::read_dir(shard.path()).await?;
            while let Some(entry) = entries.next_entry().await? {
                let name = entry.file_name();
                let unfinished = name
                    .to_str()
                    .and_then(|name| name.split_once('#'))
                    .is_some_and(|(id, number)| {
                        id.parse::<Uuid>().is_ok() && number.parse::<u32>().is_ok()
                    });
                if unfinished && entry.metadata().await?.modified()? < before {
                    tokio::fs::remove_file(entry.path()).await?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}

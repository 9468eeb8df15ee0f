//! Files of the build, from disk: hashed ones for ever, the rest with validators. What is
//! not there is 404 and never asked of the child. Compressed siblings (`.br`, `.gz`) that
//! the build left beside a file are sent as they are; nothing is compressed here.

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use tower::ServiceExt;
use tower_http::services::ServeDir;

/// More files than this in `public` are a mistake in the configuration.
const MOST: usize = 20_000;

fn serve_dir(dir: &Path) -> ServeDir {
    ServeDir::new(dir)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip()
}

/// Serves `/_next/static`, whose names carry a hash of their content.
pub(crate) fn hashed(dir: &Path) -> Router {
    Router::new()
        .fallback_service(serve_dir(dir))
        .layer(middleware::from_fn(for_ever))
}

async fn for_ever(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let value = match response.status() {
        StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED => {
            HeaderValue::from_static("public, max-age=31536000, immutable")
        }
        // A deploy may bring the file in a moment.
        _ => HeaderValue::from_static("no-store"),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, value);
    response
}

/// The files that are served from the root, known by name since the start.
#[derive(Debug, Clone)]
pub(crate) struct PublicFiles {
    dir: PathBuf,
    names: Arc<HashSet<String>>,
}

impl PublicFiles {
    pub(crate) fn scan(dir: &Path) -> Self {
        let mut names = HashSet::new();
        walk(dir, "", &mut names);
        Self {
            dir: dir.to_owned(),
            names: Arc::new(names),
        }
    }

    /// Whether this path is one of the files.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.names.contains(path)
    }

    pub(crate) async fn serve(&self, request: Request) -> Response {
        let mut response = match serve_dir(&self.dir).oneshot(request).await {
            Ok(response) => response.into_response(),
            Err(never) => match never {},
        };
        if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
            response.headers_mut().insert(
                header::CACHE_CONTROL,
                HeaderValue::from_static("public, max-age=3600, stale-while-revalidate=86400"),
            );
        }
        response
    }
}

fn walk(dir: &Path, prefix: &str, names: &mut HashSet<String>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if name.starts_with('.') && name != ".well-known" {
            continue;
        }
        let path = format!("{prefix}/{name}");
        if kind.is_dir() {
            walk(&entry.path(), &path, names);
        } else if names.len() < MOST {
            names.insert(path);
        }
    }
    // The compressed form of a file is another answer to its name, not a file of its own.
    let own = |name: &String| {
        let plain = name
            .strip_suffix(".br")
            .or_else(|| name.strip_suffix(".gz"));
        plain.is_none_or(|plain| !names.contains(plain))
    };
    let kept = names.iter().filter(|name| own(name)).cloned().collect();
    *names = kept;
}

//! The front end under test: a build on disk, a real child, the layers around it.

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Request, header},
    response::Response,
};
use http_body_util::BodyExt;
use kernel::tasks::Tasks;
use portico::{
    front::{Front, FrontConfig, FrontState, Phase},
    http::{HttpConfig, outer},
};
use std::{
    fs,
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    time::Duration,
};
use tower::ServiceExt;

/// Longer than anything here takes on a busy machine; never waited out when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A front end with a child of its own.
pub(crate) struct Site {
    pub(crate) dir: PathBuf,
    pub(crate) front: Front,
    pub(crate) tasks: Tasks,
    app: Router,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.tasks.cancel();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut FrontConfig)) -> Self {
        let dir = PathBuf::from(format!("/tmp/portico-front-{}", uuid::Uuid::now_v7()));
        fs::create_dir_all(dir.join(".next/static/chunks")).unwrap();
        fs::create_dir_all(dir.join("public/.well-known")).unwrap();
        // The child runs as another user when the tests run as root.
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
        let write = |path: &str, text: &[u8]| fs::write(dir.join(path), text).unwrap();
        write("server.mjs", include_bytes!("server.mjs"));
        write(".next/static/chunks/main-1a2b.js", b"plain()");
        write(
            ".next/static/chunks/main-1a2b.js.br",
            &brotli_of(b"plain()"),
        );
        write("public/robots.txt", b"User-agent: *\n");
        let mut config = FrontConfig {
            dir: dir.clone(),
            restart_after_ms: 1,
            public_url: Some("https://portico.example".parse().unwrap()),
            ..FrontConfig::default()
        };
        // The tests count renderings.
        config.cache.warm = false;
        change(&mut config);
        let tasks = Tasks::new();
        let front = Front::start(config, &tasks).unwrap();
        let app = outer(
            Router::new().fallback_service(front.router()),
            &HttpConfig::default(),
        );
        let site = Self {
            dir,
            front,
            tasks,
            app,
        };
        site.until(|state| state.phase == Phase::Ready).await;
        site
    }

    pub(crate) async fn until(&self, wanted: impl FnMut(&FrontState) -> bool) -> FrontState {
        let mut state = self.front.state();
        *tokio::time::timeout(PATIENCE, state.wait_for(wanted))
            .await
            .unwrap()
            .unwrap()
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.ask("GET", path, headers).await
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "portico.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = self.app.clone().oneshot(request);
        tokio::time::timeout(PATIENCE, answer)
            .await
            .unwrap()
            .unwrap()
    }

    /// The headers with which the child was first asked for a path, once it was.
    pub(crate) async fn seen(&self, path: &str) -> serde_json::Value {
        let told = self.text(&format!("/seen?path={path}"), &[]).await;
        serde_json::from_str(&told).unwrap()
    }

    pub(crate) async fn text(&self, path: &str, headers: &[(&str, &str)]) -> String {
        text(self.get(path, headers).await).await
    }
}

pub(crate) async fn bytes(response: Response) -> Bytes {
    tokio::time::timeout(PATIENCE, response.into_body().collect())
        .await
        .unwrap()
        .unwrap()
        .to_bytes()
}

pub(crate) async fn text(response: Response) -> String {
    String::from_utf8(bytes(response).await.to_vec()).unwrap()
}

pub(crate) fn value<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

pub(crate) fn csp(response: &Response) -> String {
    value(response.headers(), "content-security-policy").to_owned()
}

pub(crate) fn cache(response: &Response) -> &str {
    value(response.headers(), "x-portico-cache")
}

pub(crate) fn brotli_of(plain: &[u8]) -> Vec<u8> {
    let mut writer = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
    writer.write_all(plain).unwrap();
    writer.into_inner()
}

pub(crate) fn unbrotli(packed: &[u8]) -> String {
    let mut plain = String::new();
    brotli::Decompressor::new(packed, 4096)
        .read_to_string(&mut plain)
        .unwrap();
    plain
}

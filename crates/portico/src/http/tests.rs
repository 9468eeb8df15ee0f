//! The layers as a client meets them, and the listener as the operator does.

use super::*;
use axum::{
    Json,
    body::Body,
    extract::ConnectInfo,
    http::{Request, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http_body_util::BodyExt;
use kernel::tasks::Tasks;
use serde_json::{Value, json};
use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
};
use tokio::sync::Notify;
use tower::ServiceExt;

const PATIENCE: Duration = Duration::from_mins(1);

#[derive(serde::Deserialize)]
struct NoteBody {
    text: String,
}

fn config() -> HttpConfig {
    HttpConfig {
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        origins: vec!["https://friend.example".parse().unwrap()],
        csrf_exempt: vec!["/api/hooks/*".into()],
        body_limit_bytes: 64,
        ..HttpConfig::default()
    }
}

fn app(config: &HttpConfig) -> Router {
    async fn whoami(client: ClientAddr) -> String {
        let machine = client.is_this_machine();
        format!("{:?} {} {machine}", client.ip, client.https)
    }
    let api = Router::new()
        .route("/api/whoami", get(whoami))
        .route(
            "/api/note",
            post(|Json(note): Json<NoteBody>| async move { note.text }),
        )
        .route("/api/hooks/paid", post(|| async { "taken" }))
        .route("/api/panic", get(|| async { panic!("secret cause") as () }))
        .route("/api/never", get(std::future::pending::<()>))
        .route(
            "/api/own",
            get(|| async { (StatusCode::CONFLICT, Json(json!({ "code": "OWN" }))) }),
        )
        .route("/api/long", get(|| async { "a long answer ".repeat(500) }))
        .merge(uncompressed(
            Router::new().route("/api/secret", get(|| async { "s".repeat(5000) })),
        ));
    let streams = Router::new().route(
        "/upload",
        post(|body: axum::body::Bytes| async move { body.len().to_string() }),
    );
    let pages = Router::new().fallback(|| async { "a page" });
    layers(
        Parts {
            api,
            transfers: Router::new(),
            streams,
            pages,
        },
        config,
    )
    .unwrap()
}

async fn ask(config: &HttpConfig, request: Request<Body>, peer: &str) -> Response {
    let mut request = request;
    request
        .extensions_mut()
        .insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
    tokio::time::timeout(PATIENCE, app(config).oneshot(request))
        .await
        .unwrap()
        .unwrap()
}

fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &'static str,
) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "portico.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body)).unwrap()
}

async fn send(method: &str, path: &str, headers: &[(&str, &str)], body: &'static str) -> Response {
    ask(
        &config(),
        request(method, path, headers, body),
        "192.0.2.7:1234",
    )
    .await
}

async fn text(response: Response) -> String {
    String::from_utf8(
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
    .unwrap()
}

async fn problem(response: Response, status: u16) -> Value {
    assert_eq!(response.status().as_u16(), status);
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    assert_eq!(response.headers()["x-request-id"].len(), 36);
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let problem: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(problem["status"], status);
    problem
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn every_failure_of_the_api_is_a_problem_document() {
    for (method, path, headers, body, status, code) in [
        ("GET", "/api", vec![], "", 404, "no_such_route"),
        ("GET", "/api/nothing/here", vec![], "", 404, "no_such_route"),
        ("DELETE", "/api/note", vec![], "", 405, "method_not_allowed"),
        (
            "POST",
            "/api/note",
            vec![JSON],
            "{",
            400,
            "malformed_request",
        ),
        ("POST", "/api/note", vec![JSON], "{}", 422, "invalid_input"),
        (
            "POST",
            "/api/note",
            vec![],
            "{}",
            415,
            "unsupported_media_type",
        ),
    ] {
        let problem = problem(send(method, path, &headers, body).await, status).await;
        assert_eq!(problem["code"], code, "{path}");
        if code == "invalid_input" {
            assert!(
                problem["detail"]
                    .as_str()
                    .unwrap()
                    .contains("missing field `text`")
            );
        }
    }
    let wrong = send("DELETE", "/api/note", &[], "").await;
    assert_eq!(wrong.headers()["allow"], "POST");
    // Somebody else's wire protocol keeps its own form.
    let own = send("GET", "/api/own", &[], "").await;
    assert_eq!(own.headers()["content-type"], "application/json");
    assert_eq!(text(own).await, r#"{"code":"OWN"}"#);
}

#[tokio::test]
async fn a_panic_is_500_with_an_id_and_without_its_cause() {
    let problem = problem(send("GET", "/api/panic", &[], "").await, 500).await;
    assert_eq!(problem["code"], "internal");
    assert!(!problem.to_string().contains("secret"));
}

#[tokio::test]
async fn bodies_are_limited_declared_or_not_but_not_for_streams() {
    const BODY: &str =
        r#"{"text":"0123456789012345678901234567890123456789012345678901234567890123456789"}"#;
    let declared = send("POST", "/api/note", &[JSON, ("content-length", "81")], BODY).await;
    assert_eq!(problem(declared, 413).await["code"], "body_too_large");
    let mut chunked = request("POST", "/api/note", &[JSON], "");
    let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(BODY)]);
    *chunked.body_mut() = Body::from_stream(pieces);
    let chunked = ask(&config(), chunked, "192.0.2.7:1").await;
    assert_eq!(problem(chunked, 413).await["code"], "body_too_large");
    assert_eq!(
        text(send("POST", "/upload", &[], BODY).await).await,
        BODY.len().to_string()
    );
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let hasty = HttpConfig {
        timeout_seconds: 0,
        ..config()
    };
    let response = ask(&hasty, request("GET", "/api/never", &[], ""), "192.0.2.7:1").await;
    let problem = problem(response, 504).await;
    assert_eq!(problem["code"], "timeout");
}

#[tokio::test]
async fn another_sites_page_cannot_make_changes() {
    const BODY: &str = r#"{"text":"hello"}"#;
    let evil = ("origin", "https://evil.example");
    let cross = ("sec-fetch-site", "cross-site");
    let refused = send("POST", "/api/note", &[JSON, evil, cross], BODY).await;
    assert_eq!(problem(refused, 403).await["code"], "cross_site_request");
    let old = send("POST", "/api/note", &[JSON, evil], BODY).await;
    assert_eq!(problem(old, 403).await["code"], "cross_site_request");
    // Browsers attach these by themselves.
    let basic = send(
        "POST",
        "/api/note",
        &[JSON, cross, evil, ("authorization", "Basic YTpi")],
        BODY,
    )
    .await;
    assert_eq!(basic.status(), 403);
    for headers in [
        vec![JSON],
        vec![JSON, ("sec-fetch-site", "same-origin")],
        vec![JSON, ("origin", "https://portico.example")],
        vec![JSON, cross, ("origin", "https://friend.example")],
        vec![JSON, cross, evil, ("authorization", "Bearer x")],
    ] {
        let passed = send("POST", "/api/note", &headers, BODY).await;
        assert_eq!(passed.status(), 200, "{headers:?}");
    }
    assert_eq!(
        send("POST", "/api/hooks/paid", &[cross, evil], "")
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn only_listed_origins_may_read_answers() {
    let preflight = |origin| {
        [
            ("origin", origin),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", "content-type"),
        ]
    };
    let friend = send(
        "OPTIONS",
        "/api/note",
        &preflight("https://friend.example"),
        "",
    )
    .await;
    assert_eq!(
        friend.headers()["access-control-allow-origin"],
        "https://friend.example"
    );
    assert_eq!(friend.headers()["access-control-allow-credentials"], "true");
    let evil = send(
        "OPTIONS",
        "/api/note",
        &preflight("https://evil.example"),
        "",
    )
    .await;
    assert!(!evil.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn only_a_trusted_proxy_is_believed() {
    let claims = [
        ("x-forwarded-for", "198.51.100.4"),
        ("x-forwarded-proto", "https"),
        ("x-request-id", "from-the-proxy"),
    ];
    let liar = ask(
        &config(),
        request("GET", "/api/whoami", &claims, ""),
        "192.0.2.7:1",
    )
    .await;
    assert_ne!(liar.headers()["x-request-id"], "from-the-proxy");
    assert!(!liar.headers().contains_key("strict-transport-security"));
    assert_eq!(text(liar).await, "Some(192.0.2.7) false false");
    let proxy = ask(
        &config(),
        request("GET", "/api/whoami", &claims, ""),
        "10.0.0.1:1",
    )
    .await;
    assert_eq!(proxy.headers()["x-request-id"], "from-the-proxy");
    assert!(proxy.headers().contains_key("strict-transport-security"));
    assert_eq!(text(proxy).await, "Some(198.51.100.4) true false");
}

#[tokio::test]
async fn who_comes_through_an_unknown_proxy_of_this_machine_is_not_this_machine() {
    for (claims, said) in [
        (&[][..], "Some(127.0.0.1) false true"),
        (
            &[("x-forwarded-for", "198.51.100.4")],
            "Some(127.0.0.1) false false",
        ),
        (
            &[("forwarded", "for=198.51.100.4")],
            "Some(127.0.0.1) false false",
        ),
        (&[("x-real-ip", "127.0.0.1")], "Some(127.0.0.1) false false"),
    ] {
        let asked = request("GET", "/api/whoami", claims, "");
        assert_eq!(text(ask(&config(), asked, "127.0.0.1:1").await).await, said);
    }
}

#[tokio::test]
async fn answers_are_compressed_unless_they_must_not_be() {
    let br = ("accept-encoding", "br");
    assert_eq!(
        send("GET", "/api/long", &[br], "").await.headers()[header::CONTENT_ENCODING],
        "br"
    );
    for path in ["/api/secret", "/api/whoami"] {
        let response = send("GET", path, &[br], "").await;
        assert!(
            !response.headers().contains_key(header::CONTENT_ENCODING),
            "{path}"
        );
    }
}

/// A server on a free port whose `/slow` waits for the notification.
fn listen(tls: Option<TlsConfig>) -> (SocketAddr, Tasks, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (entering, waiting) = (entered.clone(), release.clone());
    let app = Router::new()
        .route("/quick", get(|| async { "quick" }))
        .route(
            "/slow",
            get(move || async move {
                entering.notify_one();
                waiting.notified().await;
                "answered".into_response()
            }),
        );
    let tasks = Tasks::new();
    let running = tasks.clone();
    #[expect(
        clippy::disallowed_methods,
        reason = "the test waits for it by its handle"
    )]
    let server = tokio::spawn(async move {
        serve::serve(listener, tls.as_ref(), app, &running, PATIENCE)
            .await
            .unwrap();
    });
    let stop = tasks.clone();
    tasks.spawn("stop during a request", async move {
        entered.notified().await;
        stop.cancel();
        release.notify_one();
    });
    (address, tasks, server)
}

#[tokio::test]
async fn what_runs_is_answered_before_the_server_ends() {
    let (address, _tasks, server) = listen(None);
    let answer = reqwest::get(format!("http://{address}/slow"))
        .await
        .unwrap();
    assert_eq!(answer.text().await.unwrap(), "answered");
    tokio::time::timeout(PATIENCE, server)
        .await
        .unwrap()
        .unwrap();
    assert!(
        reqwest::get(format!("http://{address}/quick"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn tls_is_served_and_a_new_certificate_is_taken_up() {
    // Another test may have been first.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let dir = std::env::temp_dir().join(format!("portico-tls-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&dir).unwrap();
    let files = TlsConfig {
        cert: dir.join("cert.pem"),
        key: dir.join("key.pem"),
    };
    let put = |cert: &str, key: &str| {
        std::fs::write(&files.cert, cert).unwrap();
        std::fs::write(&files.key, key).unwrap();
    };
    let first = include_str!("../../tests/front/first.pem");
    let second = include_str!("../../tests/front/second.pem");
    put(first, include_str!("../../tests/front/first.key"));

    let (address, tasks, server) = listen(Some(files.clone()));
    let client = |root: &str| {
        let root = reqwest::Certificate::from_pem(root.as_bytes()).unwrap();
        reqwest::Client::builder()
            .tls_certs_only([root])
            .build()
            .unwrap()
    };
    let answer = client(first)
        .get(format!("https://{address}/quick"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    assert_eq!(answer.text().await.unwrap(), "quick");
    assert!(
        client(second)
            .get(format!("https://{address}/quick"))
            .send()
            .await
            .is_err()
    );
    tasks.cancel();
    tokio::time::timeout(PATIENCE, server)
        .await
        .unwrap()
        .unwrap();

    let mut certificate = serve::Certificate::load(&files).await.unwrap();
    assert!(!certificate.refresh().await, "nothing has changed");
    put("nonsense, and longer than a second ago", "no key");
    assert!(
        !certificate.refresh().await,
        "what cannot be used is refused"
    );
    put(second, include_str!("../../tests/front/second.key"));
    assert!(certificate.refresh().await);
    std::fs::remove_dir_all(dir).unwrap();
}

//! The front against a real Node.js child on a real socket: what passes through, what is
//! stored, what is taken off, and what a visitor sees while the child is away.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "front/site.rs"]
mod site;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use futures_util::{StreamExt, future::join_all};
use kernel::tasks::Tasks;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use portico::front::{Front, FrontConfig, Phase};
use site::{PATIENCE, Site, bytes, cache, csp, text, unbrotli, value};
use std::{fs, io::Read, path::PathBuf};
use tower::ServiceExt;

#[tokio::test]
async fn a_page_streams_through_before_it_ends_compressed_or_not() {
    let site = Site::new().await;
    for encoding in ["identity", "gzip", "br"] {
        let response = site.get("/stream", &[("accept-encoding", encoding)]).await;
        let coded = value(response.headers(), "content-encoding").to_owned();
        assert_eq!(coded, if encoding == "identity" { "" } else { encoding });
        let mut body = response.into_body().into_data_stream();
        let first = tokio::time::timeout(PATIENCE, body.next());
        let first = first.await.unwrap().unwrap().unwrap();
        assert!(!first.is_empty());
        if encoding == "identity" {
            assert_eq!(first, "<p>first</p>");
        }
        assert_eq!(site.text("/release", &[]).await, "released");
        let mut all = first.to_vec();
        while let Some(piece) = body.next().await {
            all.extend_from_slice(&piece.unwrap());
        }
        let plain = match encoding {
            "br" => unbrotli(&all),
            "gzip" => {
                let mut plain = String::new();
                flate2::read::GzDecoder::new(&all[..])
                    .read_to_string(&mut plain)
                    .unwrap();
                plain
            }
            _ => String::from_utf8(all).unwrap(),
        };
        assert_eq!(plain, "<p>first</p><p>last</p>", "{encoding}");
    }
}

#[tokio::test]
async fn page_and_policy_agree_on_a_nonce_that_is_used_once() {
    let site = Site::new().await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let response = site
            .get(
                "/app",
                &[("content-security-policy", "script-src 'nonce-mine'")],
            )
            .await;
        let policy = csp(&response);
        for name in ["etag", "x-powered-by"] {
            assert!(!response.headers().contains_key(name), "{name}");
        }
        let page = text(response).await;
        let nonce = page.split('"').nth(1).unwrap().to_owned();
        assert!(
            policy.contains(&format!("script-src 'self' 'nonce-{nonce}';")),
            "{policy}\n{page}"
        );
        assert!(
            !policy.contains("unsafe-inline") && !policy.contains("strict-dynamic"),
            "{policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        seen.push(nonce);
    }
    assert_ne!(seen[0], seen[1]);
    assert!(!seen.contains(&"mine".to_owned()));
}

#[tokio::test]
async fn what_a_client_must_not_claim_never_reaches_the_child() {
    let site = Site::new().await;
    let claimed = [
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-port", "1"),
        ("forwarded", "for=6.6.6.6"),
        ("x-real-ip", "6.6.6.6"),
        ("x-middleware-subrequest", "middleware:middleware"),
        ("x-middleware-rewrite", "/admin"),
        ("x-invoke-path", "/admin"),
        ("next-action", "abc"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("te", "gzip"),
        ("x-request-id", "forged-by-the-client"),
        ("if-none-match", "\"x\""),
        ("cookie", "theme=dark"),
        ("rsc", "1"),
    ];
    let told: serde_json::Value =
        serde_json::from_str(&site.text("/headers?x=1", &claimed).await).unwrap();
    let told = told.as_object().unwrap();
    for name in [
        "x-forwarded-port",
        "forwarded",
        "x-real-ip",
        "x-middleware-subrequest",
        "x-middleware-rewrite",
        "x-invoke-path",
        "next-action",
        "x-hop",
        "te",
        "if-none-match",
        "x-forwarded-for",
    ] {
        assert!(!told.contains_key(name), "{name}: {told:?}");
    }
    assert_eq!(told["x-forwarded-proto"], "http");
    assert_eq!(told["x-forwarded-host"], "portico.example");
    assert_eq!(told["host"], "portico.example");
    assert_eq!(told["cookie"], "theme=dark");
    assert_eq!(told["rsc"], "1");
    assert_ne!(told["x-request-id"], "forged-by-the-client");
    assert!(
        told["content-security-policy"]
            .as_str()
            .unwrap()
            .contains("'nonce-")
    );
}

#[tokio::test]
async fn pages_can_only_be_read() {
    let site = Site::new().await;
    let response = site.ask("POST", "/app", &[]).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(value(response.headers(), "allow"), "GET, HEAD");
}

#[tokio::test]
async fn a_public_page_is_rendered_once_for_everybody() {
    let site = Site::new().await;
    // All at once: one rendering. A cookie that is no session does not matter and is not told.
    let first = join_all((0..20).map(|_| site.get("/pricing", &[("cookie", "theme=dark")]))).await;
    for response in first {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(value(response.headers(), "link"), "</a.woff2>; rel=preload");
        let policy = csp(&response);
        assert!(
            policy.contains("script-src 'self' 'sha256-") && !policy.contains("nonce"),
            "{policy}"
        );
        let page = text(response).await;
        assert!(
            page.starts_with("<p>rendering 1 of life 1</p><p>cookie none</p>"),
            "{page}"
        );
    }

    let hit = site.get("/pricing", &[]).await;
    assert_eq!(cache(&hit), "hit");
    assert_eq!(value(hit.headers(), "cache-control"), "no-cache");
    let tag = value(hit.headers(), "etag").to_owned();
    let plain = text(hit).await;

    let br = site
        .get("/pricing", &[("accept-encoding", "gzip, br")])
        .await;
    assert_eq!(value(br.headers(), "content-encoding"), "br");
    assert!(value(br.headers(), "vary").contains("accept-encoding"));
    let br = bytes(br).await;
    assert!(br.len() * 4 < plain.len());
    assert_eq!(unbrotli(&br), plain);

    let gzip = site
        .get("/pricing", &[("accept-encoding", "gzip, br;q=0")])
        .await;
    assert_eq!(value(gzip.headers(), "content-encoding"), "gzip");
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&bytes(gzip).await[..])
        .read_to_string(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain);

    let same = site.get("/pricing", &[("if-none-match", &tag)]).await;
    assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
    assert!(csp(&same).contains("'sha256-"));
    assert!(bytes(same).await.is_empty());

    site.front.invalidate();
    let anew = site.get("/pricing", &[("if-none-match", &tag)]).await;
    assert_eq!((anew.status(), cache(&anew)), (StatusCode::OK, "miss"));
    assert!(text(anew).await.starts_with("<p>rendering 2 of"));
}

#[tokio::test]
async fn an_old_page_is_served_once_more_while_it_is_rendered_anew() {
    let site = Site::with(|config| config.cache.fresh_seconds = 0).await;
    assert!(
        site.text("/pricing", &[])
            .await
            .starts_with("<p>rendering 1 of")
    );
    let old = site.get("/pricing", &[]).await;
    assert_eq!(cache(&old), "stale");
    assert!(text(old).await.starts_with("<p>rendering 1 of"));
}

#[tokio::test]
async fn what_may_differ_between_visitors_passes_through() {
    let site = Site::new().await;
    assert_eq!(cache(&site.get("/pricing", &[]).await), "miss");
    for (path, headers) in [
        ("/pricing", [("cookie", "a=b; __Host-portico_access=x")]),
        ("/pricing", [("rsc", "1")]),
        ("/pricing", [("next-router-prefetch", "1")]),
        ("/pricing", [("authorization", "Bearer x")]),
        ("/pricing?plan=2", [("accept", "text/html")]),
    ] {
        let response = site.get(path, &headers).await;
        assert_eq!(cache(&response), "", "{path} {headers:?}");
        assert!(csp(&response).contains("'nonce-"));
    }
    // A page that sets a cookie belongs to one visitor, whatever the configuration says.
    for _ in 0..2 {
        let response = site.get("/legal/session", &[]).await;
        assert_eq!(
            (cache(&response), value(response.headers(), "set-cookie")),
            ("", "a=b")
        );
    }
}

#[tokio::test]
async fn a_page_built_ahead_gets_the_hashes_of_its_scripts() {
    let site = Site::new().await;
    let response = site.get("/built", &[("if-none-match", "\"b\"")]).await;
    assert_eq!(response.status(), StatusCode::OK);
    let policy = csp(&response);
    assert!(
        policy.contains("'sha256-") && !policy.contains("nonce"),
        "{policy}"
    );
    assert_eq!(text(response).await, "<script>built()</script>");
}

#[tokio::test]
async fn a_visitor_who_leaves_is_told_to_the_child() {
    let site = Site::new().await;
    let response = site.get("/events", &[("accept-encoding", "br")]).await;
    assert_eq!(value(response.headers(), "content-encoding"), "");
    let mut body = response.into_body().into_data_stream();
    let first = body.next().await.unwrap().unwrap();
    assert_eq!(first, "data: 1\n\n");
    drop(body);
    assert_eq!(site.text("/aborted", &[]).await, "1");
}

#[tokio::test]
async fn files_of_the_build_come_from_disk() {
    let site = Site::new().await;
    let script = "/_next/static/chunks/main-1a2b.js";
    let plain = site.get(script, &[]).await;
    assert_eq!(value(plain.headers(), "content-type"), "text/javascript");
    assert_eq!(
        value(plain.headers(), "cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(text(plain).await, "plain()");
    let packed = site.get(script, &[("accept-encoding", "br, gzip")]).await;
    assert_eq!(value(packed.headers(), "content-encoding"), "br");
    assert_eq!(unbrotli(&bytes(packed).await), "plain()");
    let missing = site.get("/_next/static/chunks/old.js", &[]).await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert_eq!(value(missing.headers(), "cache-control"), "no-store");
    assert!(text(missing).await.is_empty(), "the child was asked");
    for path in [
        "/_next/static/../../server.mjs",
        "/_next/static/%2e%2e/%2e%2e/server.mjs",
    ] {
        assert_eq!(
            site.get(path, &[]).await.status(),
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let robots = site.get("/robots.txt", &[]).await;
    assert!(value(robots.headers(), "cache-control").contains("max-age=3600"));
    assert_eq!(text(robots).await, "User-agent: *\n");
}

#[tokio::test]
async fn the_child_gets_no_more_than_it_needs() {
    let site = Site::new().await;
    let told: serde_json::Value = serde_json::from_str(&site.text("/env", &[]).await).unwrap();
    let mut names: Vec<&String> = told["env"].as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(
        names,
        [
            "NEXT_TELEMETRY_DISABLED",
            "NODE_ENV",
            "PORTICO_API",
            "PORTICO_SOCKET"
        ]
    );
    assert_eq!(told["args"][0], "--max-old-space-size=256");
    if nix::unistd::geteuid().is_root() {
        assert_ne!(told["uid"], 0);
    }
}

#[tokio::test]
async fn while_the_child_is_away_the_rest_stays_and_it_comes_back() {
    let site = Site::new().await;
    assert_eq!(cache(&site.get("/pricing", &[]).await), "miss");
    fs::write(site.dir.join("gated"), "").unwrap();
    let pid = site
        .until(|state| state.phase == Phase::Ready)
        .await
        .pid
        .unwrap();
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
    site.until(|state| state.phase == Phase::Down).await;

    let person = site.get("/app", &[("accept", "text/html,*/*")]).await;
    assert_eq!(person.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(value(person.headers(), "retry-after"), "5");
    assert!(csp(&person).contains("style-src 'self' 'sha256-"));
    assert!(text(person).await.contains("Back in a moment"));
    let program = site
        .get("/app", &[("rsc", "1"), ("accept", "text/html")])
        .await;
    assert_eq!(program.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(value(program.headers(), "content-type").starts_with("text/plain"));

    assert_eq!(cache(&site.get("/pricing", &[]).await), "hit");
    // Even after a change, and for members: an old page beats none.
    site.front.invalidate();
    for cookie in ["x=y", "__Host-portico_access=x"] {
        let old = site.get("/pricing", &[("cookie", cookie)]).await;
        assert_eq!((old.status(), cache(&old)), (StatusCode::OK, "stale"));
    }
    assert_eq!(
        site.get("/_next/static/chunks/main-1a2b.js", &[])
            .await
            .status(),
        StatusCode::OK
    );

    fs::write(site.dir.join("gate"), "").unwrap();
    let state = site.until(|state| state.phase == Phase::Ready).await;
    assert_eq!(state.restarts, 1);
    assert_ne!(state.pid, Some(pid));
    let anew = site.get("/pricing", &[]).await;
    assert_eq!(cache(&anew), "miss");
    assert!(text(anew).await.starts_with("<p>rendering 1 of life 2</p>"));
    assert_eq!(site.get("/app", &[]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn public_pages_are_there_before_the_first_visitor() {
    let site = Site::with(|config| config.cache.warm = true).await;
    let seen = site.seen("/pricing").await;
    assert_eq!(seen["accept"], "text/html");
    assert!(
        seen.get("content-security-policy").is_none(),
        "rendered for nobody: {seen}"
    );
}

#[tokio::test]
async fn a_child_that_answers_no_more_is_replaced() {
    let site = Site::with(|config| {
        config.ping_every_ms = 50;
        config.ping_timeout_ms = 1_000;
        config.stop_timeout_ms = 100;
        config.response_timeout_ms = 200;
    })
    .await;
    let hung = site.get("/hang", &[]).await;
    assert_eq!(hung.status(), StatusCode::SERVICE_UNAVAILABLE);
    site.until(|state| state.restarts >= 1 && state.phase == Phase::Ready)
        .await;
    assert_eq!(site.get("/app", &[]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_child_ends_with_us() {
    let site = Site::new().await;
    let told: serde_json::Value = serde_json::from_str(&site.text("/env", &[]).await).unwrap();
    let socket = PathBuf::from(told["env"]["PORTICO_SOCKET"].as_str().unwrap());
    let pid = site.front.state().borrow().pid.unwrap();
    assert!(socket.exists());
    assert!(site.tasks.stop(PATIENCE).await);
    // Waited for, so not even a zombie is left.
    assert!(kill(Pid::from_raw(pid.cast_signed()), None).is_err());
    assert!(!socket.exists());
    assert_eq!(site.front.state().borrow().phase, Phase::Down);
}

#[tokio::test]
async fn a_missing_build_is_a_state_and_not_a_crash() {
    let tasks = Tasks::new();
    let config = FrontConfig {
        dir: PathBuf::from("/nowhere"),
        ..FrontConfig::default()
    };
    let front = Front::start(config, &tasks).unwrap();
    let mut state = front.state();
    state
        .wait_for(|state| state.phase == Phase::Down)
        .await
        .unwrap();
    let request = Request::get("/app")
        .header("accept", "text/html")
        .body(Body::empty())
        .unwrap();
    let response = front.router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(tasks.stop(PATIENCE).await);
}

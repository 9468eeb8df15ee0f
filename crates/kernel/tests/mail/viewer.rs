//! What the viewer shows, and to whom.

use crate::support::*;
use kernel::mail::{Delivery, State};
use serde_json::json;

#[tokio::test]
async fn the_viewer_shows_what_was_caught() {
    Database::with(async |db| {
        let mailer = mailer(&db, capture());
        let id = enqueue(&db, &mailer, &welcome("ada@example.org")).await;
        assert!(
            get(mailer.clone(), "/_mail/api/messages")
                .await
                .json()
                .as_array()
                .unwrap()
                .is_empty(),
            "not caught yet"
        );
        assert_eq!(mailer.deliver(id).await.unwrap(), Delivery::Caught);
        assert_eq!(
            mailer.deliver(id).await.unwrap(),
            Delivery::Settled(State::Caught)
        );

        let messages = get(mailer.clone(), "/_mail/api/messages?to=Ada%40Example.org")
            .await
            .json();
        let message = &messages[0];
        assert_eq!(
            (&message["id"], &message["to"]),
            (&json!(id), &json!("ada@example.org"))
        );
        assert_eq!(
            message["subject"],
            "Confirm your e-mail address for Portico"
        );
        assert!(message["created_at"].as_str().unwrap().ends_with('Z'));
        assert!(
            message["text"]
                .as_str()
                .unwrap()
                .contains("token=Tk-9_x&v=1")
        );
        assert!(
            get(mailer.clone(), "/_mail/api/messages?to=ada@example")
                .await
                .json()
                .as_array()
                .unwrap()
                .is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn the_viewers_pages_are_closed_in() {
    Database::with(async |db| {
        let mailer = mailer(&db, capture());
        let id = enqueue(&db, &mailer, &welcome("ada@example.org")).await;
        mailer.deliver(id).await.unwrap();

        let list = get(mailer.clone(), "/_mail").await;
        assert!(
            list.text.contains("Confirm your e-mail address")
                && list.text.contains(&format!("/_mail/{id}"))
        );
        assert!(
            list.header("content-security-policy")
                .contains("default-src 'none'; style-src 'self'")
        );
        assert_eq!(list.header("cache-control"), "no-store");
        let page = get(mailer.clone(), &format!("/_mail/{id}")).await;
        assert!(
            page.text
                .contains("sandbox=\"allow-popups allow-popups-to-escape-sandbox")
        );
        assert!(!page.text.contains("style="), "no inline style of ours");
        let text = get(mailer.clone(), &format!("/_mail/{id}?tab=text")).await;
        assert!(text.text.contains("Welcome, Zoë &lt;b&gt;") && !text.text.contains("<b>"));
        let headers = get(mailer.clone(), &format!("/_mail/{id}?tab=headers")).await;
        assert!(
            headers
                .text
                .contains(&format!("&lt;{id}@portico.example&gt;")),
            "{}",
            headers.text
        );

        let html = get(mailer.clone(), &format!("/_mail/{id}/html")).await;
        let policy = html.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'unsafe-inline'; img-src data:"),
            "{policy}"
        );
        assert!(
            policy.contains("sandbox allow-popups") && !policy.contains("allow-scripts"),
            "{policy}"
        );
        assert_eq!(html.header("referrer-policy"), "no-referrer");
        assert_eq!(html.header("x-frame-options"), "SAMEORIGIN");
        assert_eq!(html.header("cross-origin-opener-policy"), "unsafe-none");
        assert_eq!(
            get(mailer, "/_mail/style.css").await.header("content-type"),
            "text/css; charset=utf-8"
        );
    })
    .await;
}

#[tokio::test]
async fn the_viewer_pages_backwards_and_searches_by_recipient() {
    Database::with(async |db| {
        let mailer = mailer(&db, capture());
        for n in 0..53 {
            let to = if n == 7 {
                "a_%@example.org".to_owned()
            } else {
                format!("reader{n:02}@example.org")
            };
            enqueue(&db, &mailer, &welcome(&to)).await;
        }
        let first = get(mailer.clone(), "/_mail").await.text;
        assert_eq!(first.matches("class=\"line\"").count(), 50);
        assert!(first.contains("reader52@") && !first.contains("reader02@"));
        let older = first
            .split("href=\"")
            .find(|rest| rest.contains("rel=\"next\"") && rest.starts_with("&#x2f;_mail?"))
            .unwrap();
        let older = older
            .split('"')
            .next()
            .unwrap()
            .replace("&#x2f;", "/")
            .replace("&#x3d;", "=")
            .replace("&amp;", "&");
        let second = get(mailer.clone(), &older).await.text;
        assert_eq!(second.matches("class=\"line\"").count(), 3);
        assert!(second.contains("reader02@") && second.contains("Newest"));

        let found = get(mailer.clone(), "/_mail?to=READER1").await.text;
        assert_eq!(found.matches("class=\"line\"").count(), 10);
        for (search, lines) in [("a_%25", 1), ("_eader", 0), ("%25", 0), ("%5C", 0)] {
            let page = get(mailer.clone(), &format!("/_mail?to={search}")).await;
            assert_eq!(
                (page.status, page.text.matches("class=\"line\"").count()),
                (200, lines),
                "{search}"
            );
        }
        assert!(
            get(mailer, "/_mail?to=%3Cb%3Enobody")
                .await
                .text
                .contains("No mail to &lt;b&gt;nobody")
        );
    })
    .await;
}

#[tokio::test]
async fn the_viewer_never_shows_what_is_to_be_sent() {
    Database::with(async |db| {
        let sink = Sink::start(|_| Answer::AtEnd("550 no")).await;
        let mailer = mailer(&db, relay(&sink));
        let id = enqueue(&db, &mailer, &welcome("ada@example.org")).await;
        for _ in 0..2 {
            for path in [
                format!("/_mail/{id}"),
                format!("/_mail/{id}?tab=text"),
                "/_mail/api/messages".into(),
            ] {
                let page = get(mailer.clone(), &path).await;
                assert!(page.status == 200 && !page.text.contains("token"), "{path}");
            }
            assert_eq!(
                get(mailer.clone(), &format!("/_mail/{id}/html"))
                    .await
                    .status,
                404
            );
            let _ = mailer.deliver(id).await;
        }
        assert!(get(mailer, "/_mail").await.text.contains("state failed"));
    })
    .await;
}

#[tokio::test]
async fn the_viewer_answers_bad_requests_and_foreign_names_with_problems() {
    Database::with(async |db| {
        let mailer = mailer(&db, capture());
        for (path, status, code) in [
            ("/_mail?before=yesterday", 422, "invalid_input"),
            ("/_mail?to=%00", 422, "invalid_input"),
            ("/_mail/none", 404, "not_found"),
            (
                "/_mail/0191b6a0-0000-7000-8000-000000000000",
                404,
                "not_found",
            ),
            (
                "/_mail/0191b6a0-0000-7000-8000-000000000000/html",
                404,
                "not_found",
            ),
        ] {
            let page = get(mailer.clone(), path).await;
            assert_eq!(
                (page.status, page.json()["code"].as_str()),
                (status, Some(code)),
                "{path}"
            );
        }
        let id = enqueue(&db, &mailer, &welcome("ada@example.org")).await;
        assert_eq!(
            get(mailer.clone(), &format!("/_mail/{id}?tab=raw"))
                .await
                .status,
            422
        );
        for (host, status) in [
            ("127.0.0.1:8080", 200),
            ("localhost:8080", 200),
            ("[::1]:8080", 200),
            ("portico.example", 200),
            ("evil.example", 403),
            ("portico.example.evil.example", 403),
            ("127.0.0.1.evil.example", 403),
            ("user@evil.example", 403),
            ("", 403),
        ] {
            let page = request(mailer.clone(), "/_mail", host).await;
            assert_eq!(page.status, status, "{host}");
        }
    })
    .await;
}

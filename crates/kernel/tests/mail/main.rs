//! Mail against a relay that really listens: what arrives, what is tried again, what is
//! never sent twice, and what the viewer shows.

#![expect(
    clippy::disallowed_methods,
    reason = "a test reads its own environment and starts its own tasks"
)]

mod mail_support;

use kernel::mail::{Address, Delivery, Mail, MailId, Mailer, Seal, State, Template, viewer};
use mail_support::{Answer, Database, Sink, capture, config, fixed_clock, mailer, relay, sealed};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::sync::Arc;
use time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn welcome(to: &str) -> Mail {
    Mail {
        cause: format!("welcome:{to}"),
        to: Address::parse(to).unwrap(),
        template: Template::WelcomeVerify,
        vars: json!({"name": "Zoë <b>", "link": "https://portico.example/verify?token=Tk-9_x&v=1"}),
    }
}

async fn enqueue(db: &Database, mailer: &Mailer, mail: &Mail) -> MailId {
    let mut tx = db.pool.begin().await.unwrap();
    let id = mailer.enqueue(&mut tx, mail).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    id
}

async fn resend(db: &Database, mailer: &Mailer, id: MailId) -> kernel::Result<()> {
    let mut tx = db.pool.begin().await.unwrap();
    let done = mailer.resend(&mut tx, id).await;
    tx.commit().await.unwrap();
    done
}

#[tokio::test]
async fn a_mail_arrives_in_both_forms_and_its_links_are_forgotten() {
    Database::with(async |db| {
        let sink = Sink::start(|_| Answer::Accept).await;
        let mailer = mailer(&db, relay(&sink));
        let id = enqueue(&db, &mailer, &welcome("ada@example.org")).await;
        assert_eq!(mailer.deliver(id).await.unwrap(), Delivery::Sent);

        let got = sink.accepted();
        assert_eq!(got.len(), 1);
        assert_eq!(got[0].from, "FROM:<hello@portico.example>");
        assert_eq!(got[0].to, ["TO:<ada@example.org>"]);
        let head = got[0].head();
        assert!(
            head.contains(&format!("Message-ID: <{id}@portico.example>\r\n")),
            "{head}"
        );
        assert!(
            head.contains("Auto-Submitted: auto-generated\r\n"),
            "{head}"
        );
        assert!(head.contains("To: ada@example.org\r\n"), "{head}");
        assert!(
            head.contains("Content-Type: multipart/alternative;"),
            "{head}"
        );
        let (text, html) = (got[0].part("text/plain"), got[0].part("text/html"));
        assert!(text.contains("Welcome, Zoë <b>"), "{text}");
        assert!(
            text.contains(
                "Confirm my address:\r\nhttps://portico.example/verify?token=Tk-9_x&v=1\r\n"
            ),
            "{text}"
        );
        assert!(
            html.contains("Welcome, Zoë &lt;b&gt;") && !html.contains("<b>"),
            "{html}"
        );

        let row = db.row(id).await;
        assert_eq!(
            (row.state.as_str(), row.html, row.text),
            ("sent", None, None)
        );
        assert_eq!(
            mailer.deliver(id).await.unwrap(),
            Delivery::Settled(State::Sent)
        );
        assert!(
            resend(&db, &mailer, id).await.is_err(),
            "what has been sent has no text to send again"
        );
        assert_eq!(sink.accepted().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_cause_has_one_mail_and_a_rolled_back_transaction_none() {
    Database::with(async |db| {
        let mailer = mailer(&db, capture());
        let mail = welcome("ada@example.org");
        let mut tx = db.pool.begin().await.unwrap();
        let undone = mailer.enqueue(&mut tx, &mail).await.unwrap().unwrap();
        tx.rollback().await.unwrap();
        assert_eq!(mailer.deliver(undone).await.unwrap(), Delivery::Gone);

        let all = (0..8).map(|_| async {
            let mut tx = db.pool.begin().await.unwrap();
            let id = mailer.enqueue(&mut tx, &mail).await.unwrap();
            tx.commit().await.unwrap();
            id
        });
        let made = futures_util::future::join_all(all).await;
        assert_eq!(made.iter().flatten().count(), 1, "{made:?}");

        let mut tx = db.pool.begin().await.unwrap();
        let no_cause = Mail {
            cause: String::new(),
            ..mail
        };
        assert!(mailer.enqueue(&mut tx, &no_cause).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_relay_that_is_busy_is_asked_again() {
    Database::with(async |db| {
        let sink = Sink::start(|n| match n {
            0 => Answer::AtRecipient("450 4.2.0 greylisted, come back"),
            1 => Answer::AtEnd("451 4.3.0 try later"),
            2 => Answer::Silent, // the line breaks before the message
            _ => Answer::Accept,
        })
        .await;
        let mailer = mailer(&db, relay(&sink));
        let id = enqueue(&db, &mailer, &welcome("ada@example.org")).await;
        for said in ["greylisted", "try later", "incomplete response"] {
            mailer.deliver(id).await.unwrap_err();
            let row = db.row(id).await;
            assert_eq!(row.state, "queued");
            assert!(
                row.error.as_deref().unwrap_or_default().contains(said),
                "{:?}",
                row.error
            );
        }
        assert_eq!(mailer.deliver(id).await.unwrap(), Delivery::Sent);
        let row = db.row(id).await;
        assert_eq!((row.attempts, row.error), (4, None));
        assert_eq!(sink.accepted().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_relay_that_is_away_is_asked_again() {
    Database::with(async |db| {
        let sink = Sink::start(|_| Answer::Accept).await;
        let config = relay(&sink);
        sink.stop().await;
        let mailer = mailer(&db, config);
        let id = enqueue(&db, &mailer, &welcome("ada@example.org")).await;
        mailer.deliver(id).await.unwrap_err();
        assert_eq!(db.row(id).await.state, "queued");
    })
    .await;
}

#[tokio::test]
async fn a_mail_refused_for_good_is_sent_again_only_by_hand() {
    Database::with(async |db| {
        let sink = Sink::start(|n| match n {
            0 => Answer::AtRecipient("550 5.1.1 no such mailbox"),
            1 => Answer::AtEnd("554 5.7.1 looks like spam"),
            _ => Answer::Accept,
        })
        .await;
        let mailer = mailer(&db, relay(&sink));
        let id = enqueue(&db, &mailer, &welcome("ada@example.org")).await;
        for said in ["no such mailbox", "looks like spam"] {
            assert_eq!(mailer.deliver(id).await.unwrap(), Delivery::Failed);
            assert!(db.row(id).await.error.unwrap().contains(said));
            assert_eq!(
                mailer.deliver(id).await.unwrap(),
                Delivery::Settled(State::Failed)
            );
            resend(&db, &mailer, id).await.unwrap();
        }
        assert_eq!(mailer.deliver(id).await.unwrap(), Delivery::Sent);
        assert_eq!(sink.accepted().len(), 1);
        assert!(resend(&db, &mailer, MailId::new()).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_line_that_breaks_after_the_message_leaves_it_uncertain() {
    Database::with(async |db| {
        let sink = Sink::start(|n| {
            if n == 0 {
                Answer::TakeAndVanish
            } else {
                Answer::Accept
            }
        })
        .await;
        let mailer = mailer(&db, relay(&sink));
        let id = enqueue(&db, &mailer, &welcome("ada@example.org")).await;
        assert_eq!(mailer.deliver(id).await.unwrap(), Delivery::Uncertain);
        assert_eq!(
            mailer.deliver(id).await.unwrap(),
            Delivery::Uncertain,
            "never again by itself"
        );
        assert_eq!(
            sink.accepted().len(),
            1,
            "the relay took it, and we cannot know"
        );

        resend(&db, &mailer, id).await.unwrap();
        assert_eq!(mailer.deliver(id).await.unwrap(), Delivery::Sent);
        let got = sink.accepted();
        let message_id = |n: usize| {
            got[n]
                .head()
                .lines()
                .find(|l| l.starts_with("Message-ID"))
                .unwrap()
                .to_owned()
        };
        assert_eq!(
            message_id(0),
            message_id(1),
            "so that the reader's side can tell"
        );
    })
    .await;
}

#[tokio::test]
async fn an_attempt_that_died_is_told_from_one_that_goes_on() {
    Database::with(async |db| {
        let (sink, clock) = (Sink::start(|_| Answer::Hold).await, fixed_clock());
        let mailer = Mailer::new(db.pool.clone(), relay(&sink), None, clock.clone()).unwrap();
        let id = enqueue(&db, &mailer, &welcome("ada@example.org")).await;
        let first = tokio::spawn({
            let mailer = mailer.clone();
            async move { mailer.deliver(id).await }
        });
        sink.until_held().await;
        assert_eq!(
            db.row(id).await.state,
            "sending",
            "committed before the relay has all of it"
        );
        mailer.deliver(id).await.unwrap_err();
        assert_eq!(
            db.row(id).await.state,
            "sending",
            "the first attempt goes on"
        );

        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        mailer.deliver(id).await.unwrap_err();
        clock.advance(Duration::minutes(10));
        assert_eq!(mailer.deliver(id).await.unwrap(), Delivery::Uncertain);
        assert_eq!(sink.messages(), 1);
        assert!(
            db.row(id)
                .await
                .error
                .unwrap()
                .contains("may have been sent")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_deliveries_at_once_one_sends() {
    Database::with(async |db| {
        let sink = Sink::start(|_| Answer::Accept).await;
        let mailer = mailer(&db, relay(&sink));
        let id = enqueue(&db, &mailer, &welcome("ada@example.org")).await;
        let all = (0..12).map(|_| {
            let mailer = mailer.clone();
            tokio::spawn(async move { mailer.deliver(id).await })
        });
        let ends = futures_util::future::join_all(all).await;
        let sent = ends
            .iter()
            .filter(|end| matches!(end, Ok(Ok(Delivery::Sent))))
            .count();
        let rest = ends
            .iter()
            .filter(|end| matches!(end, Ok(Ok(Delivery::Settled(State::Sent)) | Err(_))))
            .count();
        assert_eq!((sent, rest), (1, 11), "{ends:?}");
        assert_eq!(sink.messages(), 1);
    })
    .await;
}

#[tokio::test]
async fn mails_share_a_connection_and_survive_one_that_was_closed() {
    Database::with(async |db| {
        // The third finds its pooled connection closed by the relay, which idles nobody for long.
        let sink = Sink::start(|n| {
            if n == 1 {
                Answer::AcceptAndClose
            } else {
                Answer::Accept
            }
        })
        .await;
        let mailer = mailer(&db, relay(&sink));
        for (n, connections) in [(0, 1), (1, 1), (2, 2)] {
            let id = enqueue(&db, &mailer, &welcome(&format!("reader{n}@example.org"))).await;
            assert_eq!(mailer.deliver(id).await.unwrap(), Delivery::Sent);
            assert_eq!(sink.connections(), connections);
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_leaves_in_clear_text_or_with_refused_credentials() {
    Database::with(async |db| {
        let sink = Sink::start(|_| Answer::Accept).await;
        let mut wanted = config();
        wanted.smtp_url = Some(SecretString::from(format!(
            "smtp://127.0.0.1:{}?tls=required",
            sink.port()
        )));
        let strict = mailer(&db, wanted);
        let id = enqueue(&db, &strict, &welcome("ada@example.org")).await;
        strict.deliver(id).await.unwrap_err();
        assert!(db.row(id).await.error.unwrap().contains("STARTTLS"));

        let mut wrong = config();
        wrong.smtp_url = Some(SecretString::from(format!(
            "smtp://ada:wrong@127.0.0.1:{}",
            sink.port()
        )));
        let wrong = mailer(&db, wrong);
        wrong.deliver(id).await.unwrap_err();
        let row = db.row(id).await;
        assert_eq!(
            row.state, "queued",
            "a wrong password says nothing about the mail"
        );
        assert!(row.error.unwrap().contains("credentials"));
        assert_eq!(sink.messages(), 0);

        let mut right = config();
        right.smtp_url = Some(SecretString::from(format!(
            "smtp://ada:p%40ss@127.0.0.1:{}",
            sink.port()
        )));
        assert_eq!(
            mailer(&db, right).deliver(id).await.unwrap(),
            Delivery::Sent
        );
        assert_eq!(sink.accepted().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_name_cannot_add_a_header() {
    Database::with(async |db| {
        let sink = Sink::start(|_| Answer::Accept).await;
        let mut wanted = relay(&sink);
        wanted.from_name = Some("Portico\r\nBcc: eve@example.org".into());
        let mailer = mailer(&db, wanted);
        let mail = Mail {
            cause: "update:1".into(),
            to: Address::parse("ada@example.org").unwrap(),
            template: Template::UpdatePublished,
            vars: json!({"title": "Hi\r\nBcc: eve@example.org\r\n\r\nbody", "excerpt": ".\r\n.\r\nRCPT TO:<eve@example.org>",
                "link": "https://portico.example/"}),
        };
        let id = enqueue(&db, &mailer, &mail).await;
        assert_eq!(mailer.deliver(id).await.unwrap(), Delivery::Sent);
        let got = &sink.accepted()[0];
        assert_eq!(got.to, ["TO:<ada@example.org>"]);
        assert!(!got.head().lines().any(|line| line.starts_with("Bcc")), "{}", got.head());
        assert!(got.part("text/plain").contains("\r\n.\r\nRCPT TO:<eve@example.org>"), "a lone dot is stuffed");
    })
    .await;
}

#[tokio::test]
async fn waiting_bodies_are_sealed_and_open_for_their_own_row_only() {
    Database::with(async |db| {
        let (sink, seal) = (Sink::start(|_| Answer::Accept).await, sealed());
        let with = |config| {
            Mailer::new(
                db.pool.clone(),
                config,
                Some(seal.clone() as Arc<dyn Seal>),
                fixed_clock(),
            )
            .unwrap()
        };
        let mailer = with(relay(&sink));
        let id = enqueue(&db, &mailer, &welcome("ada@example.org")).await;
        let other = enqueue(&db, &mailer, &welcome("bob@example.org")).await;
        let row = db.row(id).await;
        assert!(
            !row.html.unwrap().contains("verify") && !row.text.clone().unwrap().contains("verify")
        );
        assert!(seal.open(other.0, &row.text.unwrap()).is_err());

        assert_eq!(mailer.deliver(id).await.unwrap(), Delivery::Sent);
        assert!(
            sink.accepted()[0]
                .part("text/plain")
                .contains("verify?token=Tk-9_x")
        );
        assert_eq!(
            with(capture()).deliver(other).await.unwrap(),
            Delivery::Caught
        );
        let shown = get(with(capture()), "/_mail/api/messages?to=BOB@example.org")
            .await
            .json();
        assert!(
            shown[0]["text"]
                .as_str()
                .unwrap()
                .contains("verify?token=Tk-9_x")
        );
        // Without the key nothing is shown and nothing half done.
        let keyless = self::mailer(&db, capture());
        assert_eq!(
            get(keyless, &format!("/_mail/{other}/html")).await.status,
            500
        );
    })
    .await;
}

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
        for (search, lines) in [
            ("a_%25", 1),
            ("_eader", 0),
            ("%25", 0),
            ("%5C", 0),
            ("%00", 0),
        ] {
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
            ("/_mail?before=yesterday", 400, "invalid_query"),
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
            400
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

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused_at_the_start() {
    Database::with(async |db| {
        let refused = |config| {
            format!(
                "{:#}",
                Mailer::new(db.pool.clone(), config, None, fixed_clock()).unwrap_err()
            )
        };
        assert!(refused(config()).contains("mail.smtp_url is not set"));
        let mut bad = config();
        bad.smtp_url = Some(SecretString::from("https://user:geheim@host"));
        let error = refused(bad);
        assert!(
            error.contains("smtp://") && !error.contains("geheim"),
            "{error}"
        );
        let mut bad = capture();
        bad.public_url = "ftp://portico.example".parse().unwrap();
        assert!(refused(bad).contains("public_url"));
    })
    .await;
}

struct Page {
    status: u16,
    head: String,
    text: String,
}

impl Page {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .unwrap_or_default()
    }
}

async fn get(mailer: Mailer, path: &str) -> Page {
    request(mailer, path, "127.0.0.1").await
}

/// One request over a real line: the viewer looks at what a browser says in `Host`.
async fn request(mailer: Mailer, path: &str, host: &str) -> Page {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(socket, viewer::router(mailer)).await });
    let mut line = tokio::net::TcpStream::connect(address).await.unwrap();
    let asked = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    line.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).await.unwrap();
    server.abort();
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Page {
        status,
        head: head.to_owned(),
        text: text.to_owned(),
    }
}

//! What arrives, what is tried again, and what is never sent twice.

use crate::support::*;
use kernel::mail::{Address, Delivery, Mail, MailId, Mailer, Seal, State, Template};
use secrecy::SecretString;
use serde_json::json;
use std::sync::Arc;
use time::Duration;

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
        // Taken, so that nobody else gets it, but nobody listens.
        let port = tokio::net::TcpSocket::new_v4().unwrap();
        port.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let mut away = config();
        away.smtp_url = Some(SecretString::from(format!(
            "smtp://{}",
            port.local_addr().unwrap()
        )));
        let mailer = mailer(&db, away);
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

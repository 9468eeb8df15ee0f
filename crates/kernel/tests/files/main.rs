//! Files over real HTTP, with a folder and a database of its own for each test.
//!
//! With `PORTICO_TEST_S3` (`endpoint bucket key secret`) a prefix of that bucket takes the
//! folder's place, and the same must hold: `contracts/s3/run`.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test reads its own environment, starts its own tasks, and may fall over"
)]

mod app;

use app::{App, FORM, form, user};
use kernel::files::Swept;
use time::Duration;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and so on";

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
            ("POST /files", FORM, form("file", "me.png", PNG), 422),
            (
                "POST /files?purpose=avatar&admin=1",
                FORM,
                form("file", "me.png", PNG),
                422,
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
        // A query that cannot be read names what is wrong with it.
        for (line, field) in [
            ("POST /files", "purpose"),
            ("POST /files?purpose=avatar&admin=1", "admin"),
        ] {
            let form = form("file", "me.png", PNG);
            let answer = app.send(line, &ada, FORM, &form).await.json();
            assert_eq!(answer["errors"][0]["field"], field, "{answer}");
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
        app.leave_behind("0f/0199f0e0-0000-7000-8000-00000000000f", "orphan")
            .await;
        app.leave_behind("0f/README", "not ours").await;
        if !app.in_bucket {
            // A bucket shows no half, and forgets it by a rule of its own.
            let half = "files/0f/0199f0e0-0000-7000-8000-00000000000f#1";
            std::fs::write(app.folder.join(half), "half").unwrap();
        }
        let halves = u64::from(!app.in_bucket);
        assert_eq!(app.stored().await as u64, 4 + halves);

        // Young things are left alone: an upload that goes on looks like an orphan.
        assert_eq!(app.files.sweep().await.unwrap(), Swept::default());
        app.clock.advance(Duration::days(2));
        let swept = app.files.sweep().await.unwrap();
        assert_eq!(
            swept,
            Swept {
                deleted: 0,
                orphans: 1,
                unfinished: halves
            }
        );
        assert_eq!(app.stored().await, 3);
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
        assert_eq!(app.stored().await, 2);
        assert_eq!(app.get(&kept, &ada, "").await.body, PNG);
    })
    .await;
}

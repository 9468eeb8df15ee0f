//! RFC 6455 with bytes: what the Autobahn test suite asks of a server in its sections 1 to 7, 9
//! and 10, as far as a server that speaks a protocol of its own can be asked. Its cases are named
//! where they are repeated. The suite itself asks an echo: `contracts/realtime/autobahn`.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::server::{PATIENCE, Server, run};

const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
const FIN: u8 = 0x80;

/// A connection of bytes.
struct Raw(TcpStream);

impl Raw {
    async fn open(server: &Server) -> Self {
        let mut stream = TcpStream::connect(&server.address).await.unwrap();
        let ask = "GET /realtime/v1/websocket?vsn=2.0.0 HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 101"), "{head}");
        // §1.3: the accept value of the RFC's own example.
        assert!(
            head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
            "{head}"
        );
        Self(stream)
    }

    /// Sends bytes; a server that has closed by then does not mind.
    async fn bytes(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes).await;
    }

    async fn frame(&mut self, first: u8, body: &[u8]) {
        self.bytes(&frame(first, body)).await;
    }

    /// The next frame: its first byte and its body. `None` at the end.
    async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let read = async {
            let first = self.0.read_u8().await.ok()?;
            let length = self.0.read_u8().await.ok()?;
            // §5.1: a server masks nothing.
            assert_eq!(length & 0x80, 0);
            let length = match length {
                126 => self.0.read_u16().await.ok()?.into(),
                127 => usize::try_from(self.0.read_u64().await.ok()?).unwrap(),
                short => short.into(),
            };
            let mut body = vec![0; length];
            self.0.read_exact(&mut body).await.ok()?;
            Some((first, body))
        };
        timeout(PATIENCE, read).await.expect("an answer in time")
    }

    /// It still answers a heartbeat.
    async fn lives(&mut self) {
        self.frame(FIN | TEXT, br#"[null,"h","phoenix","heartbeat",{}]"#)
            .await;
        self.answered("h").await;
    }

    async fn answered(&mut self, reference: &str) {
        let (first, body) = self.next().await.expect("an answer");
        assert_eq!(first, FIN | TEXT);
        let frame: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(frame[1], reference);
        assert_eq!(frame[4], json!({"status": "ok", "response": {}}));
    }

    /// It closes with this code, and sends nothing else before it.
    async fn closed(&mut self, code: u16) {
        let (first, body) = self.next().await.expect("a close");
        assert_eq!(first, FIN | CLOSE, "{body:?}");
        assert_eq!(u16::from_be_bytes([body[0], body[1]]), code);
        assert_eq!(self.next().await, None);
    }

    /// It fails the connection, as §7.1.7 lets it: with a close of this code if any, and the end.
    async fn failed(&mut self, code: u16, case: &str) {
        match self.next().await {
            None => {}
            Some((first, body)) => {
                assert_eq!(first, FIN | CLOSE, "{case}: {body:?}");
                assert_eq!(u16::from_be_bytes([body[0], body[1]]), code, "{case}");
                assert_eq!(self.next().await, None, "{case}");
            }
        }
    }
}

fn frame(first: u8, body: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    match body.len() {
        length @ 0..126 => frame.push(0x80 | u8::try_from(length).unwrap()),
        length @ 126..=0xffff => {
            frame.push(0x80 | 0x7e);
            frame.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&u64::try_from(length).unwrap().to_be_bytes());
        }
    }
    frame.extend_from_slice(&mask);
    frame.extend(body.iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m));
    frame
}

/// A heartbeat of exactly so many bytes.
fn heartbeat(length: usize) -> Vec<u8> {
    let shell = r#"[null,"h","phoenix","heartbeat",""]"#;
    let pad = "é".repeat((length - shell.len()) / 2);
    let mut text = shell.replace("\"\"]", &format!("\"{pad}\"]"));
    while text.len() < length {
        text.push(' ');
    }
    text.into_bytes()
}

#[tokio::test]
async fn frames_of_every_length_are_read_whole_and_in_pieces() {
    run(|server| async move {
        // 1.1: lengths around the borders of the three encodings.
        for length in [40, 125, 126, 127, 128, 65_535, 65_536] {
            let mut raw = Raw::open(&server).await;
            raw.frame(FIN | TEXT, &heartbeat(length)).await;
            raw.answered("h").await;
            // 5.3 to 5.8: in fragments, empty ones and a ping among them.
            let body = heartbeat(length);
            let (one, two) = body.split_at(length / 3);
            raw.frame(TEXT, one).await;
            raw.frame(0, b"").await;
            raw.frame(FIN | PING, b"in between").await;
            raw.frame(FIN, two).await;
            assert_eq!(
                raw.next().await.unwrap(),
                (FIN | PONG, b"in between".to_vec())
            );
            raw.answered("h").await;
        }
        // 1.1.8, 6.2.4: a byte at a time, characters cut in the middle.
        let mut raw = Raw::open(&server).await;
        for byte in frame(FIN | TEXT, &heartbeat(64)) {
            raw.bytes(&[byte]).await;
        }
        raw.answered("h").await;
        let body = heartbeat(64);
        for (index, byte) in body.iter().enumerate() {
            let first = if index == 0 { TEXT } else { 0 };
            let last = if index + 1 == body.len() { FIN } else { 0 };
            raw.frame(first | last, &[*byte]).await;
        }
        raw.answered("h").await;
        // Several in one segment.
        let two = frame(FIN | TEXT, &heartbeat(40)).repeat(2);
        raw.bytes(&two).await;
        raw.answered("h").await;
        raw.answered("h").await;
    })
    .await;
}

#[tokio::test]
async fn large_messages_are_read_however_they_are_cut() {
    run(|server| async move {
        let mut raw = Raw::open(&server).await;
        // 9.1.2 and 9.1.3: 256 KiB, and nearly as much as is taken here, in one frame.
        for length in [256 * 1024, 1_000_000] {
            raw.frame(FIN | TEXT, &heartbeat(length)).await;
            raw.answered("h").await;
        }
        // 9.3.2 and 9.3.4, 10.1.1: in fragments of 256 bytes, of 4 KiB, and of 1,300 bytes.
        for (length, piece) in [(256 * 1024, 256), (1_000_000, 4096), (65_536, 1300)] {
            let body = heartbeat(length);
            let last = body.len().div_ceil(piece) - 1;
            for (nth, part) in body.chunks(piece).enumerate() {
                let first = if nth == 0 { TEXT } else { 0 };
                let end = if nth == last { FIN } else { 0 };
                raw.frame(first | end, part).await;
            }
            raw.answered("h").await;
        }
        // 9.5.1: one frame, written in pieces of 64 bytes.
        for bytes in frame(FIN | TEXT, &heartbeat(256 * 1024)).chunks(64) {
            raw.bytes(bytes).await;
        }
        raw.answered("h").await;
        // 9.7: many small ones on one connection.
        for _ in 0..50 {
            raw.frame(FIN | TEXT, &heartbeat(64)).await;
            raw.answered("h").await;
        }
    })
    .await;
}

#[tokio::test]
async fn pings_are_answered_and_pongs_are_not() {
    run(|server| async move {
        let mut raw = Raw::open(&server).await;
        // 2.1 to 2.4, 2.6, 2.10: empty, small, binary, the longest, many.
        let longest = [0xfe; 125];
        for body in [&b""[..], b"Hello", b"\x00\xff\xfe", &longest] {
            raw.frame(FIN | PING, body).await;
            assert_eq!(raw.next().await.unwrap(), (FIN | PONG, body.to_vec()));
        }
        // 2.7 to 2.9: a pong that nobody asked for.
        raw.frame(FIN | PONG, b"unsolicited").await;
        raw.lives().await;
        // 2.5, 5.1, 5.2: a control frame too long, and in fragments.
        for (first, body) in [(FIN | PING, &[0; 126][..]), (PING, b"a"), (PONG, b"a")] {
            let mut raw = Raw::open(&server).await;
            raw.frame(first, body).await;
            raw.failed(1002, "a control frame").await;
        }
    })
    .await;
}

#[tokio::test]
async fn reserved_bits_opcodes_and_loose_fragments_fail_the_connection() {
    run(|server| async move {
        let body = heartbeat(40);
        // 3.1 to 3.7: every combination of reserved bits. 4.1, 4.2: every reserved opcode.
        let bits = (1..8_u8).map(|bits| FIN | bits << 4 | TEXT);
        let opcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(|opcode| FIN | opcode);
        for first in bits.chain(opcodes) {
            let mut raw = Raw::open(&server).await;
            raw.frame(first, if first & 0xf > 7 { b"" } else { &body })
                .await;
            raw.failed(1002, &format!("{first:#x}")).await;
        }
        // 5.9 to 5.18: a continuation of nothing, and a beginning within another.
        for frames in [
            vec![(FIN, &body[..])],
            vec![(0, &body[..])],
            vec![(TEXT, &body[..]), (FIN | TEXT, &body[..])],
            vec![(BINARY, &body[..]), (FIN | TEXT, &body[..])],
        ] {
            let mut raw = Raw::open(&server).await;
            for (first, body) in &frames {
                raw.frame(*first, body).await;
            }
            raw.failed(1002, "fragments").await;
        }
        // §5.1: a client must mask.
        let mut raw = Raw::open(&server).await;
        raw.bytes(b"\x81\x05Hello").await;
        raw.failed(1002, "unmasked").await;
    })
    .await;
}

#[tokio::test]
async fn text_that_is_not_utf8_fails_the_connection() {
    run(|server| async move {
        // 6.3, 6.4, 6.6 to 6.21: cut short, overlong, surrogates, beyond Unicode, stray bytes.
        for text in [
            &b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"[..],
            b"\xce",
            b"\xe1\xbd",
            b"\xf0\x90\x80",
            b"\xc0\x80",
            b"\xe0\x80\x80",
            b"\xf0\x80\x80\x80",
            b"\xed\xa0\x80",
            b"\xed\xbf\xbf",
            b"\xf4\x90\x80\x80",
            b"\xf8\x88\x80\x80\x80",
            b"\xfc\x84\x80\x80\x80\x80",
            b"\x80",
            b"\xbf",
            b"\xfe",
            b"\xff",
        ] {
            let mut raw = Raw::open(&server).await;
            raw.frame(FIN | TEXT, text).await;
            raw.failed(1007, &format!("{text:x?}")).await;
            // The same over two frames.
            let mut raw = Raw::open(&server).await;
            let (one, two) = text.split_at(text.len() / 2);
            raw.frame(TEXT, one).await;
            raw.frame(FIN, two).await;
            raw.failed(1007, &format!("{text:x?} in two")).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_close_is_answered_and_a_wrong_one_fails_the_connection() {
    run(|server| async move {
        // 7.1.1, 7.3.2 to 7.3.5, 7.7: closes as they may be.
        let long = [&[0x03, 0xe8][..], &[b'x'; 123]].concat();
        let mut bodies = vec![vec![], long];
        for code in [
            1000_u16, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
        ] {
            bodies.push([&code.to_be_bytes()[..], b"bye"].concat());
        }
        for body in bodies {
            let mut raw = Raw::open(&server).await;
            raw.frame(FIN | CLOSE, &body).await;
            let (first, answer) = raw.next().await.expect("a close");
            assert_eq!(first, FIN | CLOSE);
            let code = body.get(..2);
            assert!(
                answer.is_empty() || answer.get(..2) == code,
                "{answer:?} to {body:?}"
            );
            assert_eq!(raw.next().await, None);
        }
        // 7.1.2 to 7.1.6: what comes after a close is not heard.
        let mut raw = Raw::open(&server).await;
        raw.bytes(&[frame(FIN | CLOSE, b""), frame(FIN | TEXT, &heartbeat(40))].concat())
            .await;
        if let Some((first, _)) = raw.next().await {
            assert_eq!(first, FIN | CLOSE);
        }
        // 7.3.1, 7.3.6, 7.5.1, 7.9: of one byte, too long, not UTF-8, and codes nobody may send.
        let too_long = [&[0x03, 0xe8][..], &[b'x'; 124]].concat();
        let mut wrong = vec![vec![3], too_long, b"\x03\xe8\xce\xba\xed\xa0\x80".to_vec()];
        for code in [
            0_u16, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535,
        ] {
            wrong.push(code.to_be_bytes().to_vec());
        }
        for body in wrong {
            let mut raw = Raw::open(&server).await;
            raw.frame(FIN | CLOSE, &body).await;
            match raw.next().await {
                None => {}
                Some((first, answer)) => {
                    assert_eq!(first, FIN | CLOSE, "{body:?}");
                    let code = answer
                        .get(..2)
                        .map(|code| u16::from_be_bytes([code[0], code[1]]));
                    assert!(
                        matches!(code, None | Some(1002 | 1007)),
                        "{code:?} to {body:?}"
                    );
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_the_protocol_above_refuses_is_closed_with_its_code() {
    run(|server| async move {
        // 9.1.6 and beyond: more than is taken here, announced or sent.
        let mut raw = Raw::open(&server).await;
        raw.bytes(&[FIN | TEXT, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4])
            .await;
        raw.closed(1009).await;
        let mut raw = Raw::open(&server).await;
        raw.frame(FIN | TEXT, b"not a frame of ours").await;
        raw.closed(1007).await;
        let mut raw = Raw::open(&server).await;
        raw.frame(FIN | BINARY, &[9; 16]).await;
        raw.closed(1007).await;
    })
    .await;
}

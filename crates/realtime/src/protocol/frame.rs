//! One frame: `[join_ref, ref, topic, event, payload]` (vsn 2), the same as an object (vsn 1), or
//! a binary broadcast (kind 3 from a client, kind 4 to a client).
//!
//! Payloads are never taken apart here: they travel as raw JSON or bytes. JSON is checked to be
//! JSON, though, because a payload that one client may not parse must not reach another.

use axum::extract::ws::Utf8Bytes;
use bytes::{BufMut, Bytes, BytesMut};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The serializer that a client asked for by `vsn`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Version {
    /// JSON objects. What a client gets that asks for nothing.
    V1,
    /// JSON arrays, and binary broadcasts.
    V2,
}

impl Version {
    /// Reads the `vsn` parameter; `None` for a version that is not spoken here.
    pub(crate) fn parse(vsn: Option<&str>) -> Option<Self> {
        match vsn {
            None | Some("" | "1.0.0") => Some(Self::V1),
            Some("2.0.0") => Some(Self::V2),
            Some(_) => None,
        }
    }
}

/// A `ref` or `join_ref`, kept as the JSON text it arrived as and echoed without change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ref(Box<str>);

impl Ref {
    fn of_json(raw: Option<&RawValue>) -> Result<Option<Self>, Malformed> {
        let Some(raw) = raw.map(RawValue::get) else {
            return Ok(None);
        };
        match raw.as_bytes().first() {
            _ if raw.len() > 256 => Err(Malformed("a reference is too long")),
            Some(b'n') => Ok(None),
            Some(b'"' | b'0'..=b'9' | b'-') => Ok(Some(Self(raw.into()))),
            _ => Err(Malformed("a reference is neither text nor a number")),
        }
    }

    fn of_text(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(json_string(text).into()))
    }
}

/// Why a frame was not understood. The text is sent as the reason of the close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// What a client sent.
#[derive(Debug)]
pub(crate) enum Incoming<'a> {
    /// A frame of text.
    Text(Push<'a>),
    /// A binary broadcast (kind 3).
    Broadcast(BinaryPush),
}

/// A text frame.
#[derive(Debug)]
pub(crate) struct Push<'a> {
    pub(crate) join_ref: Option<Ref>,
    pub(crate) reference: Option<Ref>,
    pub(crate) topic: String,
    pub(crate) event: String,
    pub(crate) payload: &'a RawValue,
}

/// How the payload of a binary broadcast is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Bytes, which only vsn 2 can carry.
    Binary,
    /// JSON text, already checked.
    Json,
}

/// A kind 3 frame.
#[derive(Debug)]
pub(crate) struct BinaryPush {
    pub(crate) join_ref: Option<Ref>,
    pub(crate) reference: Option<Ref>,
    pub(crate) topic: String,
    pub(crate) event: String,
    pub(crate) encoding: Encoding,
    /// The message is to be kept for those who come later.
    pub(crate) persist: Option<Persist>,
    pub(crate) payload: Bytes,
}

/// A message is to be kept: for so many seconds, or as long as possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Persist(pub(crate) Option<u32>);

impl Persist {
    /// Reads `true` or `{"ttl": seconds}`.
    fn of_json(meta: &str) -> Result<Option<Self>, Malformed> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wanted {
            Plain(bool),
            For { ttl: Option<u32> },
        }
        #[derive(Deserialize)]
        struct Meta {
            #[serde(default)]
            persist: Option<Wanted>,
        }
        if meta.is_empty() {
            return Ok(None);
        }
        let meta: Meta = serde_json::from_str(meta)
            .map_err(|_| Malformed("a broadcast whose metadata cannot be read"))?;
        Ok(match meta.persist {
            None | Some(Wanted::Plain(false)) => None,
            Some(Wanted::Plain(true)) => Some(Self(None)),
            Some(Wanted::For { ttl }) => Some(Self(ttl)),
        })
    }
}

const USER_BROADCAST_PUSH: u8 = 3;
const USER_BROADCAST: u8 = 4;

/// Reads a text frame.
pub(crate) fn parse_text(version: Version, text: &str) -> Result<Push<'_>, Malformed> {
    #[derive(Deserialize)]
    struct Object<'a> {
        #[serde(borrow, default)]
        join_ref: Option<&'a RawValue>,
        #[serde(borrow, default, rename = "ref")]
        reference: Option<&'a RawValue>,
        topic: String,
        event: String,
        #[serde(borrow)]
        payload: &'a RawValue,
    }
    #[derive(Deserialize)]
    struct Array<'a>(
        #[serde(borrow)] Option<&'a RawValue>,
        #[serde(borrow)] Option<&'a RawValue>,
        String,
        String,
        #[serde(borrow)] &'a RawValue,
    );
    let not_json = |_| Malformed("not a frame of this protocol version");
    let Array(join_ref, reference, topic, event, payload) = match version {
        Version::V1 => {
            let Object {
                join_ref,
                reference,
                topic,
                event,
                payload,
            } = serde_json::from_str(text).map_err(not_json)?;
            Array(join_ref, reference, topic, event, payload)
        }
        Version::V2 => serde_json::from_str(text).map_err(not_json)?,
    };
    Ok(Push {
        join_ref: Ref::of_json(join_ref)?,
        reference: Ref::of_json(reference)?,
        topic,
        event,
        payload,
    })
}

/// Reads a binary frame, which can only be a broadcast.
pub(crate) fn parse_binary(version: Version, frame: &Bytes) -> Result<BinaryPush, Malformed> {
    if version == Version::V1 {
        return Err(Malformed("binary frames need vsn 2.0.0"));
    }
    let header = frame
        .first_chunk::<7>()
        .ok_or(Malformed("a binary frame without a header"))?;
    let [kind, join_ref, reference, topic, event, meta, encoding] = *header;
    if kind != USER_BROADCAST_PUSH {
        return Err(Malformed("a binary frame of an unknown kind"));
    }
    let mut rest = frame.slice(header.len()..);
    let mut take = |length: u8| -> Result<String, Malformed> {
        let length = usize::from(length);
        if rest.len() < length {
            return Err(Malformed("a binary frame cut short"));
        }
        String::from_utf8(rest.split_to(length).into())
            .map_err(|_| Malformed("a binary frame whose header is not UTF-8"))
    };
    let (join_ref, reference) = (take(join_ref)?, take(reference)?);
    let (topic, event) = (take(topic)?, take(event)?);
    let persist = Persist::of_json(&take(meta)?)?;
    let encoding = match encoding {
        0 => Encoding::Binary,
        1 => Encoding::Json,
        _ => return Err(Malformed("a binary frame of an unknown encoding")),
    };
    if encoding == Encoding::Json && serde_json::from_slice::<&RawValue>(&rest).is_err() {
        return Err(Malformed("a broadcast whose payload is not JSON"));
    }
    Ok(BinaryPush {
        join_ref: Ref::of_text(&join_ref),
        reference: Ref::of_text(&reference),
        topic,
        event,
        encoding,
        persist,
        payload: rest,
    })
}

/// Writes a text frame around a payload that is already JSON.
pub(crate) fn text(
    version: Version,
    join_ref: Option<&Ref>,
    reference: Option<&Ref>,
    topic: &str,
    event: &str,
    payload: &str,
) -> Utf8Bytes {
    let join_ref = join_ref.map_or("null", |r| &r.0);
    let reference = reference.map_or("null", |r| &r.0);
    let (topic, event) = (json_string(topic), json_string(event));
    let room = payload.len() + topic.len() + event.len() + join_ref.len() + reference.len() + 64;
    let mut frame = String::with_capacity(room);
    let parts: [&str; 11] = match version {
        Version::V2 => [
            "[", join_ref, ",", reference, ",", &topic, ",", &event, ",", payload, "]",
        ],
        Version::V1 => [
            "{\"join_ref\":",
            join_ref,
            ",\"ref\":",
            reference,
            ",\"topic\":",
            &topic,
            ",\"event\":",
            &event,
            ",\"payload\":",
            payload,
            "}",
        ],
    };
    for part in parts {
        frame.push_str(part);
    }
    frame.into()
}

/// Writes a kind 4 frame. `None` when a name is longer than the format can say (255 bytes).
pub(crate) fn binary_broadcast(
    topic: &str,
    event: &str,
    encoding: Encoding,
    meta: &str,
    payload: &[u8],
) -> Option<Bytes> {
    let topic_length = u8::try_from(topic.len()).ok()?;
    let event_length = u8::try_from(event.len()).ok()?;
    let meta_length = u8::try_from(meta.len()).ok()?;
    let names = topic.len() + event.len() + meta.len();
    let mut frame = BytesMut::with_capacity(5 + names + payload.len());
    frame.put_slice(&[USER_BROADCAST, topic_length, event_length, meta_length]);
    frame.put_u8(u8::from(encoding == Encoding::Json));
    frame.put_slice(topic.as_bytes());
    frame.put_slice(event.as_bytes());
    frame.put_slice(meta.as_bytes());
    frame.put_slice(payload);
    Some(frame.freeze())
}

/// Text as a JSON string, quotes included.
pub(crate) fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_say_the_same() {
        let two = r#"["1","2","realtime:a","phx_join",{"config":{}}]"#;
        let one = r#"{"topic":"realtime:a","event":"phx_join","payload":{"config":{}},"ref":"2","join_ref":"1"}"#;
        for (version, text) in [(Version::V2, two), (Version::V1, one)] {
            let push = parse_text(version, text).unwrap();
            assert_eq!(push.topic, "realtime:a");
            assert_eq!(push.event, "phx_join");
            assert_eq!(push.payload.get(), r#"{"config":{}}"#);
            assert_eq!(push.reference, Some(Ref("\"2\"".into())));
        }
    }

    #[test]
    fn a_reply_echoes_its_references() {
        let push = parse_text(Version::V2, r#"[null,7,"phoenix","heartbeat",{}]"#).unwrap();
        let reply = text(
            Version::V2,
            push.join_ref.as_ref(),
            push.reference.as_ref(),
            "phoenix",
            "phx_reply",
            "{}",
        );
        assert_eq!(reply.as_str(), r#"[null,7,"phoenix","phx_reply",{}]"#);
        let reply = text(Version::V1, None, None, "t\"", "e", "{}");
        assert_eq!(
            reply.as_str(),
            r#"{"join_ref":null,"ref":null,"topic":"t\"","event":"e","payload":{}}"#
        );
    }

    #[test]
    fn a_binary_broadcast_is_read_and_passed_on() {
        let mut frame = vec![3, 1, 1, 2, 3, 0, 1];
        frame.extend_from_slice(br#"12abxyz{"n":1}"#);
        let push = parse_binary(Version::V2, &frame.into()).unwrap();
        assert_eq!((push.topic.as_str(), push.event.as_str()), ("ab", "xyz"));
        assert_eq!(push.persist, None);
        let (encoding, payload) = (push.encoding, &push.payload);
        let out = binary_broadcast("ab", "xyz", encoding, "", payload).unwrap();
        assert_eq!(&out[..], b"\x04\x02\x03\x00\x01abxyz{\"n\":1}");
        let out = binary_broadcast("ab", "xyz", encoding, "{}", payload).unwrap();
        assert_eq!(&out[..], b"\x04\x02\x03\x02\x01abxyz{}{\"n\":1}");
        assert_eq!(
            binary_broadcast(&"x".repeat(256), "e", encoding, "", b""),
            None
        );
    }

    #[test]
    fn a_broadcast_says_whether_it_is_to_be_kept() {
        for (meta, kept) in [
            ("", None),
            ("{}", None),
            (r#"{"persist":false}"#, None),
            (r#"{"persist":true}"#, Some(Persist(None))),
            (r#"{"persist":{"ttl":60}}"#, Some(Persist(Some(60)))),
            (r#"{"persist":{}}"#, Some(Persist(None))),
        ] {
            assert_eq!(Persist::of_json(meta), Ok(kept), "{meta}");
        }
        assert!(Persist::of_json(r#"{"persist":{"ttl":-1}}"#).is_err());
        assert!(Persist::of_json("[").is_err());
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "[]",
            "{}",
            "[1,2,3]",
            "[{},null,\"t\",\"e\",{}]",
            "\u{0}",
        ] {
            assert!(parse_text(Version::V2, text).is_err(), "{text}");
            assert!(parse_text(Version::V1, text).is_err(), "{text}");
        }
        for frame in [
            &b""[..],
            b"\x03",
            b"\x09\0\0\0\0\0\0",
            b"\x03\xff\0\0\0\0\0ab",
            b"\x03\0\0\0\0\0\x01{",
        ] {
            assert!(parse_binary(Version::V2, &Bytes::copy_from_slice(frame)).is_err());
        }
    }
}

//! The frames of the Supabase Realtime protocol: bytes to meaning and back.
//!
//! Pure: it opens no socket, knows no subscriber and holds no state, so that everything a
//! stranger can send is judged here, where it can be tested with arbitrary bytes. It refuses to
//! repair: a frame is either understood whole or rejected with a reason.

pub(crate) mod codes;
pub(crate) mod frame;
pub(crate) mod join;

pub(crate) use codes::{Code, Refusal};
pub(crate) use frame::{Incoming, Malformed, Ref, Version};

/// Reads bytes in every way in which a client's bytes are read. Nothing may panic, whatever they
/// are, and what was understood can be said again.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn read_all(bytes: &[u8]) {
    let binary = bytes::Bytes::copy_from_slice(bytes);
    for version in [Version::V1, Version::V2] {
        if let Ok(push) = frame::parse_binary(version, &binary) {
            let (topic, event) = (&push.topic, &push.event);
            let _ = frame::binary_broadcast(topic, event, push.encoding, "", &push.payload);
        }
        if let Ok(text) = std::str::from_utf8(bytes)
            && let Ok(push) = frame::parse_text(version, text)
        {
            let payload = push.payload.get();
            let (join_ref, reference) = (push.join_ref.as_ref(), push.reference.as_ref());
            let (topic, event) = (&push.topic, &push.event);
            let said = frame::text(version, join_ref, reference, topic, event, payload);
            assert!(frame::parse_text(version, &said).is_ok());
            if let Ok(join) = join::Join::parse(payload, 100) {
                let _ = join::echo(&join.bindings);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, text: String) {
            read_all(&bytes);
            read_all(text.as_bytes());
        }

        #[test]
        fn nothing_like_a_frame_panics(
            frame in r#"\[(null|"1"|1|-|\{\}),(null|"2"),"[a-z:é]{0,9}","[a-z_]{0,9}",\{("config":\{("private":(true|1|"true"),?)?("broadcast":\{("replay":\{("since":-?[0-9]{1,30},?)?("limit":[0-9]{1,9})?\})?\},?)?("postgres_changes":\[(null|\{"event":"\*"\}|1),?\])?\})?\}\]"#,
            mut binary in proptest::collection::vec(0..=255_u8, 0..64),
            lengths in proptest::array::uniform5(0..8_u8),
        ) {
            read_all(frame.as_bytes());
            let head: Vec<u8> = [3].into_iter().chain(lengths).chain([1]).collect();
            binary.splice(0..0, head);
            read_all(&binary);
        }
    }
}

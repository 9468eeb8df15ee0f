//! As much of RFC 6455 and of the Realtime protocol as the crowd needs.

/// The channel that is talked on.
const TOPIC: &str = "realtime:bench";
const EVENT: &str = "m";
/// Digits of the moment that a message carries, in nanoseconds.
pub(super) const DIGITS: usize = 19;
/// Of a whole payload.
const PAYLOAD: usize = 512;
/// What stands before the digits of a broadcast: the head of a kind 4 frame, the names, and `{"t":"`.
const BEFORE: usize = 5 + TOPIC.len() + EVENT.len() + 6;
/// How a change of a row begins.
const CHANGE: &[u8] = br#"[null,null,"realtime:bench","postgres_changes","#;
/// What stands before the digits of a change: the row's column `stamp`.
const STAMP: &[u8] = br#""stamp":""#;

fn payload(nanos: u64) -> String {
    let mut payload = format!("{{\"t\":\"{nanos:0DIGITS$}\",\"pad\":\"");
    while payload.len() < PAYLOAD - 2 {
        payload.push('x');
    }
    payload.push_str("\"}");
    payload
}

/// A kind 3 frame, as a client of ours says it; or what it becomes, kind 4, for a server that
/// only passes on.
pub(super) fn broadcast(joins: bool, nanos: u64) -> Vec<u8> {
    let (topic, event) = (TOPIC.len(), EVENT.len());
    let lengths = |numbers: &[usize]| -> Vec<u8> {
        numbers
            .iter()
            .map(|n| u8::try_from(*n).unwrap_or(0))
            .collect()
    };
    let mut frame = if joins {
        lengths(&[3, 1, 0, topic, event, 0, 1])
    } else {
        lengths(&[4, topic, event, 0, 1])
    };
    if joins {
        frame.push(b'1');
    }
    frame.extend_from_slice(TOPIC.as_bytes());
    frame.extend_from_slice(EVENT.as_bytes());
    frame.extend_from_slice(payload(nanos).as_bytes());
    message(0x2, &frame)
}

/// The join of the channel as somebody, listening to a table if one is named.
pub(super) fn join(token: &str, table: Option<&str>) -> Vec<u8> {
    let listens = table.map_or_else(String::new, |table| {
        format!(
            "\"postgres_changes\":[{{\"event\":\"*\",\"schema\":\"bench\",\"table\":\"{table}\"}}]"
        )
    });
    let frame = format!(
        "[\"1\",\"1\",\"{TOPIC}\",\"phx_join\",{{\"config\":{{{listens}}},\"access_token\":\"{token}\"}}]"
    );
    message(0x1, frame.as_bytes())
}

/// A whole message of a client. Its mask is zero, which is as good as any other (§5.3) and leaves
/// the bytes as they are.
fn message(opcode: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![0x80 | opcode];
    match u16::try_from(body.len()) {
        Ok(length @ 0..126) => message.push(0x80 | length.to_le_bytes()[0]),
        Ok(length) => {
            message.push(0x80 | 0x7e);
            message.extend_from_slice(&length.to_be_bytes());
        }
        Err(_) => unreachable!("messages are short"),
    }
    message.extend_from_slice(&[0; 4]);
    message.extend_from_slice(body);
    message
}

/// What a client hears.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A broadcast or a change, and the moment that it carries.
    Said(Option<u64>),
    /// Something else, as text.
    Text,
    Closed,
    Nothing,
}

impl Heard {
    fn of(opcode: u8, body: &[u8]) -> Self {
        match opcode {
            0x2 => Self::Said(digits(body, BEFORE)),
            0x1 if body.starts_with(CHANGE) => {
                let at = body.windows(STAMP.len()).position(|part| part == STAMP);
                Self::Said(at.and_then(|at| digits(body, at + STAMP.len())))
            }
            0x1 => Self::Text,
            0x8 => Self::Closed,
            _ => Self::Nothing,
        }
    }
}

fn digits(body: &[u8], at: usize) -> Option<u64> {
    let digits = body.get(at..at + DIGITS)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Reads a server's frames out of a stream, each as soon as it is whole.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The beginning of a frame whose end has not come yet.
    begun: Vec<u8>,
}

impl Reader {
    pub(super) fn read(&mut self, bytes: &[u8], mut each: impl FnMut(Heard)) {
        if self.begun.is_empty() {
            let used = whole(bytes, &mut each);
            self.begun.extend_from_slice(&bytes[used..]);
        } else {
            self.begun.extend_from_slice(bytes);
            let used = whole(&self.begun, &mut each);
            self.begun.drain(..used);
        }
        if self.begun.is_empty() && self.begun.capacity() > 4096 {
            self.begun = Vec::new();
        }
    }
}

/// Reads the frames that are whole; how many bytes they took.
fn whole(bytes: &[u8], each: &mut impl FnMut(Heard)) -> usize {
    let mut used = 0;
    while let Some((opcode, from, to)) = frame(&bytes[used..]) {
        each(Heard::of(opcode, &bytes[used + from..used + to]));
        used += to;
    }
    used
}

/// The first frame, if it is whole: its opcode, and where its body begins and ends.
fn frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let opcode = bytes.first()? & 0xf;
    let (from, length) = match bytes.get(1)? & 0x7f {
        126 => (
            4,
            usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
        ),
        127 => {
            let length = u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?);
            (10, usize::try_from(length).ok()?)
        }
        length => (2, usize::from(length)),
    };
    (bytes.len() >= from + length).then_some((opcode, from, from + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server's frame is the client's without the mask.
    fn unmasked(mut frame: Vec<u8>) -> Vec<u8> {
        frame[1] &= 0x7f;
        frame.drain(4..8);
        frame
    }

    #[test]
    fn frames_are_read_whole_however_they_arrive() {
        let change = [
            CHANGE,
            br#"{"record":{"stamp":"0000000000000000009"}}]"#,
            &[b' '; 99],
        ]
        .concat();
        let stream = [
            unmasked(broadcast(false, 7)),
            unmasked(broadcast(false, 8)),
            unmasked(message(0x1, &change)),
            unmasked(join("somebody with a name of some length", Some("news"))),
        ]
        .concat();
        for piece in (1..30).chain([stream.len()]) {
            let (mut reader, mut heard) = (Reader::default(), Vec::new());
            for bytes in stream.chunks(piece) {
                reader.read(bytes, |frame| heard.push(frame));
            }
            let said = [7, 8, 9].map(|nanos| Heard::Said(Some(nanos)));
            let whole: Vec<Heard> = said.into_iter().chain([Heard::Text]).collect();
            assert_eq!(heard, whole, "{piece}");
        }
    }
}

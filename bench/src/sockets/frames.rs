//! As much of RFC 6455 and of the Realtime protocol as the crowd needs.

/// The channel that is talked on.
const TOPIC: &str = "realtime:bench";
const EVENT: &str = "m";
/// Digits of the moment that a message carries, in nanoseconds.
const DIGITS: usize = 19;
/// Of a whole payload.
const PAYLOAD: usize = 512;
/// What stands before the digits: the head of a kind 4 frame, the names, and `{"t":"`.
const BEFORE: usize = 5 + TOPIC.len() + EVENT.len() + 6;

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

/// The join of the channel.
pub(super) fn join() -> Vec<u8> {
    let frame = format!(
        "[\"1\",\"1\",\"{TOPIC}\",\"phx_join\",{{\"config\":{{}},\"access_token\":\"x\"}}]"
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

/// Reads a server's frames out of a stream, and keeps nothing of them.
#[derive(Debug, Default)]
pub(super) struct Reader {
    head: [u8; 10],
    held: usize,
    skip: usize,
}

/// What was in some bytes.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Binary frames: broadcasts.
    pub(super) broadcasts: usize,
    /// Text frames: answers.
    pub(super) texts: usize,
    pub(super) closed: bool,
    /// The moment that the last whole broadcast carries.
    pub(super) moment: Option<u64>,
}

impl Reader {
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Seen {
        let mut seen = Seen::default();
        while !bytes.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                self.skip -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            self.head[self.held] = bytes[0];
            self.held += 1;
            bytes = &bytes[1..];
            let Some(length) = self.length() else {
                continue;
            };
            match self.head[0] & 0xf {
                0x2 => {
                    seen.broadcasts += 1;
                    seen.moment = moment(bytes).or(seen.moment);
                }
                0x1 => seen.texts += 1,
                0x8 => seen.closed = true,
                _ => {}
            }
            (self.held, self.skip) = (0, length);
        }
        seen
    }

    /// Whether no frame is under way.
    pub(super) fn is_between(&self) -> bool {
        self.held == 0 && self.skip == 0
    }

    fn length(&self) -> Option<usize> {
        let head = &self.head[..self.held];
        match head.get(1)? & 0x7f {
            126 => Some(usize::from(u16::from_be_bytes(
                *head.get(2..)?.first_chunk()?,
            ))),
            127 => usize::try_from(u64::from_be_bytes(*head.get(2..)?.first_chunk()?)).ok(),
            length => Some(length.into()),
        }
    }
}

fn moment(body: &[u8]) -> Option<u64> {
    let digits = body.get(BEFORE..BEFORE + DIGITS)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_however_they_arrive() {
        // A server's frame is the client's without the mask.
        let frame = |joins, nanos| {
            let mut frame = broadcast(joins, nanos);
            frame[1] &= 0x7f;
            frame.drain(4..8);
            frame
        };
        let stream = [frame(false, 7), frame(false, 8)].concat();
        let seen = Reader::default().read(&stream);
        assert_eq!((seen.broadcasts, seen.moment), (2, Some(8)));
        for piece in 1..30 {
            let mut reader = Reader::default();
            let pieces = stream
                .chunks(piece)
                .map(|bytes| reader.read(bytes).broadcasts);
            assert_eq!(pieces.sum::<usize>(), 2, "{piece}");
        }
    }
}

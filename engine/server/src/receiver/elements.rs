//! How many things a body makes when it is decoded: two bytes of protobuf can become a point of a hundred bytes, so a body within its
//! bound could still take gigabytes. Counted before it is decoded, in one pass, without knowing the messages: every field with a length
//! counts, and those that could be messages are looked into. That is never less than there is.

use davy_sources::otlp::Encoding;

/// The most in one body. Exporters send some thousand points with some ten attributes each: a tenth of this.
pub const MOST: usize = 2_000_000;
/// What one may take when it is decoded, in bytes, beyond what it took before.
pub const BYTES_EACH: usize = 64;

/// Deeper than decoders go.
const DEEPEST: usize = 100;

/// At least as many as there are, up to one more than [`MOST`].
pub fn count(encoding: Encoding, body: &[u8]) -> usize {
    let mut count = 0;
    match encoding {
        Encoding::Protobuf => walk(body, 0, &mut count),
        Encoding::Json => count = body.iter().filter(|byte| matches!(byte, b'{' | b'[')).take(MOST + 1).count(),
    }
    count
}

fn walk(message: &[u8], depth: usize, count: &mut usize) {
    if depth > DEEPEST || !Fields(message).all(|field| field.is_some()) {
        return;
    }
    for payload in Fields(message).flatten().flatten() {
        *count += 1;
        if *count > MOST {
            return;
        }
        walk(payload, depth + 1, count);
    }
}

/// The fields of what may be a message: the payload of one with a length, nothing of another; none, once, where it is no message.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<Option<&'a [u8]>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<Option<&'a [u8]>> {
        let tag = self.varint()?;
        match tag & 7 {
            0 => self.varint().map(|_| None),
            1 => self.skip(8).map(|_| None),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.skip(length).map(Some)
            }
            // Groups: their fields stand between as if they were ours.
            3 | 4 => Some(None),
            5 => self.skip(4).map(|_| None),
            _ => None,
        }
    }

    fn skip(&mut self, length: usize) -> Option<&'a [u8]> {
        let (skipped, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(skipped)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let byte = *self.skip(1)?.first()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2];
        let mut length = payload.len();
        while length > 0x7f {
            bytes.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        [&bytes, payload].concat()
    }

    #[test]
    fn every_message_counts_at_whatever_depth() {
        let points = field(1, &[]).repeat(1_000);
        let body = field(1, &field(2, &field(2, &field(5, &points))));
        assert_eq!(count(Encoding::Protobuf, &body), 1_004);
        let named = [field(1, b"\xff\xffa name that is no message"), vec![0x10, 0x05], field(5, &points)].concat();
        assert_eq!(count(Encoding::Protobuf, &field(1, &named)), 1_003);
        assert_eq!(count(Encoding::Json, br#"{"resourceMetrics":[{},{}]}"#), 4);
        assert_eq!(count(Encoding::Protobuf, b""), 0);
    }

    #[test]
    fn a_body_of_nothing_but_empty_points_is_known_before_it_is_decoded() {
        let body = field(1, &field(2, &field(2, &field(5, &field(1, &[]).repeat(3_000_000)))));
        assert_eq!(count(Encoding::Protobuf, &body), MOST + 1);
        assert_eq!(count(Encoding::Json, &b"[{},".repeat(3_000_000)), MOST + 1);
    }

    #[test]
    fn nesting_without_end_ends() {
        let mut body = Vec::new();
        for _ in 0..500 {
            body = field(1, &body);
        }
        assert!((DEEPEST..=500).contains(&count(Encoding::Protobuf, &body)));
    }
}

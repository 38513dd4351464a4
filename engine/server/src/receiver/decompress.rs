//! gzip, deflate and zstd, never beyond a bound: what comes out is counted as it comes.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::body::{append, too_large};
use super::budget::Share;
use super::limits::Limits;
use super::refusal::{Kind, Refusal};

/// How bytes come out.
const PIECE: usize = 64 << 10;
/// The largest window of zstd, as a power of two: what RFC 8878 asks decoders for. More would be memory before the first byte.
const ZSTD_WINDOW_LOG: u32 = 23;

/// A compression that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// None.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 1950, or the bare RFC 1951 that some send under the same name.
    Deflate,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// What is known, as HTTP and gRPC say it.
    pub const KNOWN: &str = "gzip, zstd, deflate, identity";

    /// By the name in a header; none is identity.
    ///
    /// # Errors
    /// Another name, or several.
    pub fn named(name: Option<&[u8]>) -> Result<Compression, Refusal> {
        let name = String::from_utf8_lossy(name.unwrap_or_default()).trim().to_ascii_lowercase();
        match name.as_str() {
            "" | "identity" => Ok(Compression::Identity),
            "gzip" | "x-gzip" => Ok(Compression::Gzip),
            "deflate" | "zlib" => Ok(Compression::Deflate),
            "zstd" => Ok(Compression::Zstd),
            other => {
                let shown: String = other.chars().take(40).collect();
                let message = format!("expected a compression of {}, found `{shown}`; set the exporter's compression", Compression::KNOWN);
                Err(Refusal::new(Kind::Encoding, message))
            }
        }
    }
}

/// What was compressed. Blocks; memory beyond the result is the decoder's window (at most 8 MiB).
///
/// # Errors
/// It is none, is cut off, is too large, or there is no memory for it now.
pub fn decompress(compression: Compression, sent: Vec<u8>, limits: &Limits, share: &mut Share) -> Result<Vec<u8>, Refusal> {
    let bytes = sent.as_slice();
    match compression {
        Compression::Identity => Ok(sent),
        Compression::Gzip => drain(MultiGzDecoder::new(bytes), "gzip", limits, share),
        Compression::Deflate if is_zlib(bytes) => drain(ZlibDecoder::new(bytes), "deflate", limits, share),
        Compression::Deflate => drain(DeflateDecoder::new(bytes), "deflate", limits, share),
        Compression::Zstd => {
            let broken = |error: std::io::Error| malformed("zstd", &error);
            let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes).map_err(broken)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(broken)?;
            drain(decoder, "zstd", limits, share)
        }
    }
}

/// The two bytes that RFC 1950 begins with: method 8, and a multiple of 31.
fn is_zlib(bytes: &[u8]) -> bool {
    match bytes {
        [method, flags, ..] => method & 0x0f == 8 && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0,
        _ => false,
    }
}

fn drain(mut decoder: impl Read, name: &str, limits: &Limits, share: &mut Share) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let mut piece = vec![0; PIECE];
    loop {
        let count = decoder.read(&mut piece).map_err(|error| malformed(name, &error))?;
        if count == 0 {
            return Ok(bytes);
        }
        if bytes.len() + count > limits.body {
            return Err(too_large("body, decompressed,", limits.body));
        }
        append(&mut bytes, &piece[..count], limits.body, share, limits)?;
    }
}

fn malformed(name: &str, error: &std::io::Error) -> Refusal {
    Refusal::new(Kind::Malformed, format!("expected a body compressed by {name}, found something else: {error}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::receiver::budget::Budget;

    fn squeeze(compression: Compression, bytes: &[u8]) -> Vec<u8> {
        use flate2::{Compression as Level, write};
        match compression {
            Compression::Identity => bytes.to_vec(),
            Compression::Gzip => {
                let mut encoder = write::GzEncoder::new(Vec::new(), Level::fast());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Deflate => {
                let mut encoder = write::ZlibEncoder::new(Vec::new(), Level::fast());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Zstd => zstd::encode_all(bytes, 3).unwrap(),
        }
    }

    const ALL: [Compression; 3] = [Compression::Gzip, Compression::Deflate, Compression::Zstd];

    #[test]
    fn every_compression_gives_back_what_was_sent() {
        let text = b"the quick brown fox ".repeat(10_000);
        for compression in ALL {
            let mut share = Budget::new(1 << 20).share();
            let sent = squeeze(compression, &text);
            assert!(decompress(compression, sent, &Limits::default(), &mut share) == Ok(text.clone()), "{compression:?}");
        }
        let mut bare = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        bare.write_all(&text).unwrap();
        let mut share = Budget::new(1 << 20).share();
        assert!(decompress(Compression::Deflate, bare.finish().unwrap(), &Limits::default(), &mut share) == Ok(text));
    }

    #[test]
    fn exactly_the_bound_is_taken_and_a_byte_more_is_not() {
        let limits = Limits { body: 100_000, ..Limits::default() };
        for compression in ALL {
            for (length, fits) in [(100_000, true), (100_001, false)] {
                let mut share = Budget::new(1 << 20).share();
                let outcome = decompress(compression, squeeze(compression, &vec![7; length]), &limits, &mut share);
                assert_eq!(outcome.is_ok(), fits, "{compression:?} {length}");
                assert!(fits || outcome.unwrap_err().kind == Kind::TooLarge);
            }
        }
    }

    #[test]
    fn what_is_cut_off_or_something_else_is_refused() {
        for compression in ALL {
            let whole = squeeze(compression, &b"the quick brown fox ".repeat(1_000));
            for sent in [whole[..whole.len() / 2].to_vec(), b"no compressed body at all".to_vec(), vec![0x78]] {
                let mut share = Budget::new(1 << 20).share();
                let outcome = decompress(compression, sent, &Limits::default(), &mut share);
                assert!(outcome.is_err_and(|refusal| refusal.kind == Kind::Malformed), "{compression:?}");
            }
        }
    }

    #[test]
    fn the_budget_of_all_bounds_what_comes_out() {
        for compression in ALL {
            let mut share = Budget::new(256 << 10).share();
            let outcome = decompress(compression, squeeze(compression, &vec![7; 1 << 20]), &Limits::default(), &mut share);
            assert!(outcome.is_err_and(|refusal| matches!(refusal.kind, Kind::Busy(_))), "{compression:?}");
        }
    }

    #[test]
    fn a_window_beyond_the_bound_is_refused_before_its_memory_is_taken() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(&vec![7; 1 << 20]).unwrap();
        let sent = encoder.finish().unwrap();
        let mut share = Budget::new(64 << 20).share();
        let outcome = decompress(Compression::Zstd, sent, &Limits::default(), &mut share);
        assert!(outcome.is_err_and(|refusal| refusal.kind == Kind::Malformed && refusal.message.contains("zstd")));
    }
}

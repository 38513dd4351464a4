//! Who may send: everybody (loopback), or whoever brings the token.

use davy_sources::prometheus::SecretSource;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use subtle::ConstantTimeEq;

use super::refusal::{Kind, Refusal};

/// Who may send.
#[derive(Debug, Clone)]
pub struct Access {
    token: Option<SecretSource>,
}

impl Access {
    /// Whoever brings the token, or everybody.
    ///
    /// # Errors
    /// The token cannot be read.
    pub fn new(token: Option<SecretSource>) -> Result<Access, String> {
        if let Some(token) = &token {
            token.read().map_err(|error| error.to_string())?;
        }
        Ok(Access { token })
    }

    /// Whether a request may come in. The token is read anew, since tokens rotate; where that fails nobody comes in.
    ///
    /// # Errors
    /// No token, or another one: the message says which of both, and never a part of one.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(source) = &self.token else { return Ok(()) };
        let wanted = source.read().map_err(|error| {
            tracing::warn!("no OTLP request is let in: {error}");
            Refusal::new(Kind::Token, "davy cannot read its own token; see its log")
        })?;
        let brought = headers.get(AUTHORIZATION).map(hyper::header::HeaderValue::as_bytes).and_then(bearer);
        let Some(brought) = brought else {
            return Err(Refusal::new(Kind::Token, "expected `authorization: Bearer TOKEN`, found none; set the exporter's headers"));
        };
        // In constant time: how long it takes tells at most the length.
        if bool::from(brought.ct_eq(wanted.expose().as_bytes())) {
            Ok(())
        } else {
            Err(Refusal::new(Kind::Token, "the bearer token is not davy's; set the exporter's headers"))
        }
    }
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use davy_sources::prometheus::Secret;

    use super::*;

    #[test]
    fn only_the_token_itself_comes_in_and_no_message_tells_it() {
        let access = Access::new(Some(SecretSource::Literal(Secret::new("tomato-7")))).unwrap();
        let check = |value: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(AUTHORIZATION, value.parse().unwrap());
            }
            access.check(&headers)
        };
        assert_eq!(check(Some("Bearer tomato-7")), Ok(()));
        assert_eq!(check(Some("bearer  tomato-7 ")), Ok(()));
        for wrong in
            [None, Some(""), Some("Bearer"), Some("Bearer "), Some("Bearer tomato-"), Some("Bearer tomato-77"), Some("Basic tomato-7")]
        {
            let refusal = check(wrong).unwrap_err();
            assert_eq!(refusal.kind, Kind::Token, "{wrong:?}");
            assert!(!refusal.message.contains("tomato"), "{}", refusal.message);
        }
        assert!(!format!("{access:?}").contains("tomato"));
    }

    #[test]
    fn a_token_that_cannot_be_read_lets_nobody_in() {
        assert!(Access::new(Some(SecretSource::File("/nowhere/at/all".into()))).unwrap_err().contains("/nowhere/at/all"));
    }
}

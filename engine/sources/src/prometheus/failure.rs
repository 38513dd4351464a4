//! Turns what went wrong on the wire into a [`SourceErrorKind`] that says what to do about it.

use std::error::Error;
use std::time::Duration;

use reqwest::StatusCode;

use super::config::Auth;
use super::wire::{decode_error, describe_body};
use crate::error::SourceErrorKind;

/// Classifies a failure before or while the answer came; `received` bytes of the body were there.
pub(super) fn of_transport(error: &reqwest::Error, timeout: Duration, received: Option<u64>) -> SourceErrorKind {
    if error.is_timeout() {
        return SourceErrorKind::Timeout(timeout);
    }
    if let Some(tls) = find::<rustls::Error>(error) {
        return SourceErrorKind::Tls(handshake_words(tls));
    }
    match received {
        None if error.is_builder() => SourceErrorKind::File(format!("cannot make a request: {}", innermost(error))),
        None => SourceErrorKind::Connect(innermost(error)),
        Some(bytes) if error.is_decode() && !ended_early(error) => {
            SourceErrorKind::Malformed { expected: format!("a compressed body after {bytes} bytes"), found: innermost(error) }
        }
        Some(bytes) => SourceErrorKind::Truncated(bytes),
    }
}

/// Alerts about a certificate are about ours: the server's own is judged here.
fn handshake_words(error: &rustls::Error) -> String {
    use rustls::AlertDescription as Alert;
    let wants_ours = matches!(
        error,
        rustls::Error::AlertReceived(
            Alert::CertificateRequired
                | Alert::BadCertificate
                | Alert::UnsupportedCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateExpired
                | Alert::CertificateUnknown
                | Alert::UnknownCA
                | Alert::AccessDenied
        )
    );
    if wants_ours { format!("{error}: the server wants a client certificate that it trusts") } else { error.to_string() }
}

fn ended_early(error: &reqwest::Error) -> bool {
    find::<std::io::Error>(error).is_some_and(|io| io.kind() == std::io::ErrorKind::UnexpectedEof)
        || innermost(error).contains("end of file before message length")
}

/// The first error of a type in the chain of causes; looks into `io::Error` too, which hides what it wraps.
fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut current = Some(error);
    while let Some(cause) = current {
        if let Some(found) = cause.downcast_ref::<E>() {
            return Some(found);
        }
        if let Some(inner) = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref)
            && let Some(found) = find::<E>(inner)
        {
            return Some(found);
        }
        current = cause.source();
    }
    None
}

/// The root cause's words; those further out may hold the whole URL.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// An answer that is no success.
pub(super) struct Refusal<'a> {
    pub status: StatusCode,
    pub body: &'a [u8],
    pub retry_after: Option<Duration>,
    /// Where a redirect points, host and port only.
    pub location: Option<String>,
}

/// Classifies an answer that is no success.
pub(super) fn of_status(refusal: &Refusal<'_>, query: &str, auth: &Auth, timeout: Duration) -> SourceErrorKind {
    let status = refusal.status.as_u16();
    let api = decode_error(refusal.body);
    let words = match &api {
        Some(error) => error.message.clone(),
        None => describe_body(refusal.body),
    };
    match status {
        401 | 403 => SourceErrorKind::Auth { status, hint: auth_hint(auth, status) },
        400 | 422 if api.is_some() => SourceErrorKind::Query { query: query.to_owned(), message: words },
        // The server gave up on the query: it answered, and in time.
        503 if api.is_some_and(|error| error.kind == "timeout") => SourceErrorKind::Timeout(timeout),
        429 | 503 => SourceErrorKind::Overloaded { status, attempts: 1, retry_after: refusal.retry_after },
        300..=399 => {
            let place = refusal.location.as_deref().unwrap_or("nowhere");
            SourceErrorKind::Status { status, message: format!("it redirects to {place}, which is not followed; give the final address") }
        }
        404 => SourceErrorKind::Status { status, message: format!("{words} (does the address need a path, such as /prometheus?)") },
        _ => SourceErrorKind::Status { status, message: words },
    }
}

fn auth_hint(auth: &Auth, status: u16) -> String {
    let sent = match auth {
        Auth::None => return "none were sent; give a user and password or a bearer token".to_owned(),
        Auth::Basic { user, password } => format!("user {user} with the password from {password}"),
        Auth::Bearer(token) => format!("the bearer token from {token}"),
    };
    if status == 401 { format!("check {sent}") } else { format!("{sent} may not query here; a tenant header may be missing") }
}

#[cfg(test)]
mod tests {
    use super::super::secret::{Secret, SecretSource};
    use super::*;

    fn classify(status: u16, body: &str, auth: &Auth) -> SourceErrorKind {
        let status = StatusCode::from_u16(status).unwrap();
        let refusal = Refusal { status, body: body.as_bytes(), retry_after: None, location: Some("login:443".to_owned()) };
        of_status(&refusal, "up", auth, Duration::from_secs(10))
    }

    #[test]
    fn each_status_says_what_to_do() {
        let api = r#"{"status":"error","errorType":"execution","error":"too many samples"}"#;
        let query = SourceErrorKind::Query { query: "up".to_owned(), message: "too many samples".to_owned() };
        assert_eq!(classify(422, api, &Auth::None), query);
        assert_eq!(classify(400, api, &Auth::None), query);
        let timeout = r#"{"status":"error","errorType":"timeout","error":"query timed out"}"#;
        assert_eq!(classify(503, timeout, &Auth::None), SourceErrorKind::Timeout(Duration::from_secs(10)));
        for (status, body, words) in [
            (400, "<html><title>400 Bad Request</title>", "400 Bad Request"),
            (302, "", "login:443"),
            (404, "404 page not found", "/prometheus"),
            (413, "too large", "too large"),
            (500, r#"{"status":"error","errorType":"internal","error":"disk"}"#, "disk"),
        ] {
            let kind = classify(status, body, &Auth::None);
            assert!(matches!(&kind, SourceErrorKind::Status { message, .. } if message.contains(words)), "{kind:?}");
        }
    }

    #[test]
    fn the_hint_names_where_the_secret_is_not_the_secret() {
        let literal = Auth::Basic { user: "ann".to_owned(), password: SecretSource::Literal(Secret::new("hunter2")) };
        let text = classify(401, "hunter2?", &literal).to_string();
        assert!(text.contains("ann") && !text.contains("hunter2"), "{text}");
        let text = classify(403, "", &Auth::Bearer(SecretSource::Env("PROM_TOKEN".to_owned()))).to_string();
        assert!(text.contains("$PROM_TOKEN") && text.contains("tenant"), "{text}");
    }
}

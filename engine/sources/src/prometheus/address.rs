//! The server's address: what of it is used, and the part of it that may be printed.

use reqwest::Url;

use super::config::Auth;
use super::secret::{Secret, SecretSource};
use crate::error::SourceErrorKind;

/// A base address, without credentials, path ending in no slash.
#[derive(Clone)]
pub(super) struct Address {
    base: Url,
    /// The query string that goes with every request.
    pub fixed: Vec<(String, String)>,
    /// Host and port: all that is ever printed.
    pub place: String,
}

impl Address {
    /// Takes an address apart; credentials in it become basic auth.
    ///
    /// # Errors
    /// [`SourceErrorKind::File`], which never repeats what was given.
    pub fn parse(url: &Secret, auth: &Auth) -> Result<(Address, Auth), SourceErrorKind> {
        let refuse = |text: &str| Err(SourceErrorKind::File(text.to_owned()));
        let Ok(mut base) = Url::parse(url.expose()) else {
            return refuse("expected an address such as http://prometheus:9090, found something else");
        };
        if !matches!(base.scheme(), "http" | "https") {
            return refuse("expected an address that starts with http:// or https://, found another scheme");
        }
        let Some(host) = base.host_str().map(str::to_owned) else {
            return refuse("expected an address with a host, found none");
        };
        let port = base.port_or_known_default().unwrap_or(80);
        let mut auth = auth.clone();
        if !base.username().is_empty() || base.password().is_some() {
            if auth != Auth::None {
                return refuse("expected one way to authenticate, found credentials in the address and others beside it");
            }
            let (user, password) = (percent_decoded(base.username()), percent_decoded(base.password().unwrap_or("")));
            auth = Auth::Basic { user, password: SecretSource::Literal(Secret::new(password)) };
        }
        // A host is there, so these cannot fail.
        let _ = base.set_username("");
        let _ = base.set_password(None);
        base.set_fragment(None);
        let fixed = base.query_pairs().into_owned().collect();
        base.set_query(None);
        let path = base.path().trim_end_matches('/');
        let path = path.strip_suffix("/api/v1").unwrap_or(path).to_owned();
        base.set_path(&path);
        Ok((Address { base, fixed, place: format!("{host}:{port}") }, auth))
    }

    /// The address of an endpoint below `/api/v1`; `parts` are escaped.
    pub fn endpoint(&self, parts: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "v1"]).extend(parts);
        }
        if !self.fixed.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.fixed);
        }
        url
    }

    /// Whether TLS is spoken.
    pub fn is_https(&self) -> bool {
        self.base.scheme() == "https"
    }
}

/// A form's body, encoded.
pub(super) fn form(parameters: &[(&str, String)]) -> String {
    let mut url = Url::parse("http://form/").expect("a constant address");
    url.query_pairs_mut().extend_pairs(parameters);
    url.query().unwrap_or("").to_owned()
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<(Address, Auth), SourceErrorKind> {
        Address::parse(&Secret::new(url), &Auth::None)
    }

    #[test]
    fn credentials_leave_the_address() {
        let (address, auth) = parse("https://ann:p%40ss%3A@host/prom/?token=t&b=1#x").unwrap();
        assert_eq!(address.place, "host:443");
        assert_eq!(address.endpoint(&["query"]).as_str(), "https://host/prom/api/v1/query?token=t&b=1");
        let Auth::Basic { user, password } = auth else { panic!("{auth:?}") };
        assert_eq!((user.as_str(), password.read().unwrap().expose()), ("ann", "p@ss:"));
    }

    #[test]
    fn an_address_may_end_in_many_ways() {
        for url in ["http://h:9090", "http://h:9090/", "http://h:9090/api/v1", "http://h:9090/api/v1/"] {
            assert_eq!(parse(url).unwrap().0.endpoint(&["query"]).as_str(), "http://h:9090/api/v1/query", "{url}");
        }
        let (address, _) = parse("http://[::1]:9090/a/b/").unwrap();
        assert_eq!(address.endpoint(&["label", "a/b", "values"]).as_str(), "http://[::1]:9090/a/b/api/v1/label/a%2Fb/values");
        assert_eq!(address.place, "[::1]:9090");
    }

    #[test]
    fn a_bad_address_is_refused_and_not_repeated() {
        for url in ["", "secret", "file:///secret", "ftp://u:secret@h", "http://", "http://u:secret@:80"] {
            let Err(SourceErrorKind::File(text)) = parse(url) else { panic!("{url}") };
            assert!(!text.contains("secret"), "{text}");
        }
        let two = Address::parse(&Secret::new("http://a:b@h"), &Auth::Bearer(SecretSource::Env("T".to_owned())));
        assert!(matches!(two, Err(SourceErrorKind::File(_))));
    }

    #[test]
    fn a_form_is_encoded() {
        assert_eq!(form(&[("query", "a{b=\"c&d+e\"}".to_owned())]), "query=a%7Bb%3D%22c%26d%2Be%22%7D");
    }
}

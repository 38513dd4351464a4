//! Secrets: how they are read, and that they are never printed.

use std::fmt;
use std::path::PathBuf;

use crate::error::SourceErrorKind;

/// A text that must not reach a terminal, a log or a report: `Debug` and `Display` print `***`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The secret itself; only for the request that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where a secret comes from. Environment and file are read again for every request, since tokens rotate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// Given as it is.
    Literal(Secret),
    /// The name of an environment variable.
    Env(String),
    /// A file that holds nothing else; white space at its end does not count.
    File(PathBuf),
}

impl SecretSource {
    /// Reads the secret as it is now.
    ///
    /// # Errors
    /// [`SourceErrorKind::File`] when the variable is unset, the file unreadable, or the secret empty or no header text.
    pub fn read(&self) -> Result<Secret, SourceErrorKind> {
        let text = match self {
            SecretSource::Literal(secret) => secret.0.clone(),
            SecretSource::Env(name) => {
                std::env::var(name).map_err(|error| SourceErrorKind::File(format!("cannot read a secret from ${name}: {error}")))?
            }
            SecretSource::File(path) => std::fs::read_to_string(path)
                .map_err(|error| SourceErrorKind::File(format!("cannot read a secret from {}: {error}", path.display())))?,
        };
        let secret = text.trim_end();
        if secret.is_empty() {
            return Err(SourceErrorKind::File(format!("expected a secret in {self}, found nothing")));
        }
        if secret.chars().any(char::is_control) {
            return Err(SourceErrorKind::File(format!("expected one line of text in {self}, found control characters")));
        }
        Ok(Secret::new(secret))
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretSource::Literal(_) => f.write_str("the configuration"),
            SecretSource::Env(name) => write!(f, "${name}"),
            SecretSource::File(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        let secret = Secret::new("hunter2");
        let source = SecretSource::Literal(secret.clone());
        assert!(!format!("{secret} {secret:?} {source} {source:?}").contains("hunter2"));
    }

    #[test]
    fn a_file_is_read_again_each_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let source = SecretSource::File(path.clone());
        assert!(matches!(source.read(), Err(SourceErrorKind::File(text)) if text.contains("token")));
        std::fs::write(&path, "first\n").unwrap();
        assert_eq!(source.read().unwrap().expose(), "first");
        std::fs::write(&path, "second\n").unwrap();
        assert_eq!(source.read().unwrap().expose(), "second");
        std::fs::write(&path, "\n").unwrap();
        assert!(source.read().is_err());
    }

    #[test]
    fn a_secret_with_a_line_break_inside_is_refused() {
        assert!(SecretSource::Literal(Secret::new("a\nX-Evil: 1")).read().is_err());
    }
}

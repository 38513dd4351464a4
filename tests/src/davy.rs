//! The built `davy` binary, run as users run it.

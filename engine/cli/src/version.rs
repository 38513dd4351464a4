//! What `davy --version` says: enough to find the sources again, and what is compiled in.

/// Several lines, for bug reports; `-V` says only the first.
pub const LONG: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncommit:    ",
    env!("DAVY_BUILT_FROM"),
    "\nbuilt for: ",
    env!("DAVY_TARGET"),
    ", ",
    env!("DAVY_PROFILE"),
    "\nfeatures:  ",
    env!("DAVY_FEATURES"),
    "\nsources:   prometheus, recordings (parquet, csv)",
    "\ntelemetry: otlp (http/protobuf): traces, metrics"
);

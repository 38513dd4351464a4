//! SciPy in a process of its own, which is kept: starting it is not what is measured.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

struct Pipes {
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Pipes {
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("SciPy's side goes on; see what it said above");
        line.trim().to_owned()
    }
}

/// A running SciPy.
pub struct Peer {
    /// What answers.
    pub versions: String,
    process: Child,
    pipes: RefCell<Pipes>,
}

impl Peer {
    /// Starts it by the Python of `DAVY_BENCH_PYTHON`, else of `target/bench-python`, where `just ratios` puts it.
    pub fn start() -> Peer {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let python = std::env::var_os("DAVY_BENCH_PYTHON").map_or_else(|| root.join("target/bench-python/bin/python"), PathBuf::from);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/ratios/mann_whitney.py");
        let started = Command::new(&python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = started.unwrap_or_else(|error| {
            panic!("expected a Python with SciPy at {}, found none ({error}); run `just ratios`, which installs it", python.display())
        });
        let to = process.stdin.take().expect("it was asked for");
        let from = BufReader::new(process.stdout.take().expect("it was asked for"));
        let mut pipes = Pipes { to, from };
        let versions = pipes.line();
        assert!(versions.starts_with("scipy"), "expected SciPy's version, found `{versions}`: see what Python said above");
        Peer { versions, process, pipes: RefCell::new(pipes) }
    }

    /// Nanoseconds of one task for one metric.
    pub fn ask(&self, task: &str) -> f64 {
        let mut pipes = self.pipes.borrow_mut();
        writeln!(pipes.to, "{task}").expect("SciPy's side goes on");
        let line = pipes.line();
        line.parse().unwrap_or_else(|_| panic!("expected nanoseconds of `{task}`, found `{line}`"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // By id: it is our child.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

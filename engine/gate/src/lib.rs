//! Rule files, plan, pipeline, report and its renderings. No sockets, no terminal.

pub mod rules;

//! OTLP from bytes to windows.

mod decoding;
mod files;
mod same_traffic;
mod sets;
mod shapes;
mod support;

//! The receiver over real sockets: answers, refusals, bounds.

mod answers;
mod faults;
mod grpc;
mod protection;
mod wire;

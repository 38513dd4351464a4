//! Real recorded traces through the production path: the lab, Nezha, NAB. The data are not in the repository; the command
//! `real-data` takes their path. `docs/real-data.md` states the construction and lists what was answered.

mod drive;
pub mod lab;
pub mod nab;
pub mod nezha;
pub mod page;
mod pairs;
mod table;

pub use drive::{Answer, Comparison, Rules, Told, judge};
pub use pairs::{Pair, chosen, history};

//! Numbers of a report: 9 significant digits, never NaN.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number with 9 significant digits; serialized as null where it is not finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(f64);

impl Number {
    /// The rounded value.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.0.is_finite() {
            return serializer.serialize_none();
        }
        // Whole numbers are written as such: counts are easier to read.
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
        let whole = self.0 as i64;
        if self.0.abs() < 1e15 && whole as f64 == self.0 { serializer.serialize_i64(whole) } else { serializer.serialize_f64(self.0) }
    }
}

impl<'de> Deserialize<'de> for Number {
    /// Null is what evidence beyond a number's range was written as.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Option::<f64>::deserialize(deserializer)?.unwrap_or(f64::INFINITY);
        // A reader may be off by the last bit; what was written had 9 digits, or was a time in whole milliseconds.
        let rounded = round(read);
        Ok(Number(if (rounded - read).abs() <= read.abs() * 1e-14 { rounded } else { read }))
    }
}

/// Rounds to 9 significant digits: far below any noise, and the same on every machine.
pub fn number(value: f64) -> Number {
    Number(round(value))
}

/// A time in ms since the epoch as seconds, exact to the millisecond.
pub fn seconds(time_ms: i64) -> Number {
    Number(time_ms as f64 / 1e3)
}

fn round(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { 0.0 } else { value };
    }
    format!("{value:.8e}").parse().expect("a printed number parses")
}

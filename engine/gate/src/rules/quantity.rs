//! Values with units: `10%`, `0.2pp`, `800ms`, `30m`. Read from text and printed so that reading gives the same again.

/// A number with the unit that was written behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quantity {
    /// A bare number.
    Plain(f64),
    /// `10%` is 0.1.
    Percent(f64),
    /// `0.2pp` is 0.002.
    PercentagePoints(f64),
    /// `5ms` is 0.005.
    Seconds(f64),
}

/// Units of time, in nanoseconds, longest first as they are printed.
const TIME_UNITS: [(&str, f64); 7] = [("d", 86_400e9), ("h", 3_600e9), ("m", 60e9), ("s", 1e9), ("ms", 1e6), ("us", 1e3), ("ns", 1.0)];

/// Every unit that is understood, for messages.
pub const UNITS: &str = "%, pp, ns, us, ms, s, m, h or d";

/// Reads a number and its unit. Durations may be compound (`1h30m`).
///
/// # Errors
/// What is wrong, as one fragment.
pub fn parse(text: &str) -> Result<Quantity, String> {
    let trimmed = text.trim();
    let (number, unit) = split(trimmed)?;
    let value: f64 = number.parse().map_err(|_| format!("expected a number, found `{trimmed}`"))?;
    match unit {
        "" => finite(value, trimmed).map(Quantity::Plain),
        "%" => finite(value / 100.0, trimmed).map(Quantity::Percent),
        "pp" => finite(value / 100.0, trimmed).map(Quantity::PercentagePoints),
        _ => parse_time(trimmed).map(Quantity::Seconds),
    }
}

fn finite(value: f64, text: &str) -> Result<f64, String> {
    if value.is_finite() { Ok(value) } else { Err(format!("`{text}` is too large")) }
}

/// Splits the first number from what follows it.
fn split(text: &str) -> Result<(&str, &str), String> {
    let bytes = text.as_bytes();
    let mut end = usize::from(matches!(bytes.first(), Some(b'-' | b'+')));
    while bytes.get(end).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.') {
        end += 1;
    }
    // An exponent, but not the `e` of a word.
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
        let digits = bytes[end + 1 + sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 {
            end += 1 + sign + digits;
        }
    }
    if !bytes[..end].iter().any(u8::is_ascii_digit) {
        return Err(format!("expected a number with a unit ({UNITS}), found `{text}`"));
    }
    Ok((&text[..end], text[end..].trim_start()))
}

fn parse_time(text: &str) -> Result<f64, String> {
    let mut rest = text;
    let mut nanoseconds = 0.0;
    let mut last = f64::INFINITY;
    while !rest.is_empty() {
        let (number, tail) = split(rest)?;
        let letters = tail.bytes().take_while(|byte| !byte.is_ascii_digit() && !matches!(byte, b'.' | b'-' | b'+')).count();
        let (unit, next) = tail.split_at(letters);
        let unit = unit.trim();
        let value: f64 = number.parse().map_err(|_| format!("expected a number, found `{number}`"))?;
        let unit = if unit == "µs" || unit == "μs" { "us" } else { unit };
        let Some((_, size)) = TIME_UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(unknown_unit(text, unit));
        };
        if *size >= last || (last < f64::INFINITY && value < 0.0) {
            return Err(format!("expected longer units before shorter ones, like `1h30m`, found `{text}`"));
        }
        last = *size;
        nanoseconds += value * size;
        rest = next;
    }
    finite(nanoseconds / 1e9, text)
}

fn unknown_unit(text: &str, unit: &str) -> String {
    let meant = match unit.to_lowercase().as_str() {
        "percent" | "pct" => Some("%"),
        "sec" | "secs" | "second" | "seconds" => Some("s"),
        "msec" | "millis" | "milliseconds" => Some("ms"),
        "min" | "mins" | "minute" | "minutes" => Some("m"),
        "hour" | "hours" | "hr" | "hrs" => Some("h"),
        "day" | "days" => Some("d"),
        _ => None,
    };
    let guess = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    let unit = if unit.is_empty() { "nothing".to_owned() } else { format!("`{unit}`") };
    format!("expected a unit ({UNITS}), found {unit} in `{text}`{guess}")
}

/// A duration in milliseconds as it is written in rules.
pub fn duration_text(milliseconds: i64) -> String {
    for (name, nanoseconds) in TIME_UNITS {
        // Whole numbers of milliseconds: the unit is exact.
        #[expect(clippy::cast_possible_truncation, reason = "units are at most a day")]
        let unit = (nanoseconds / 1e6) as i64;
        if unit > 0 && milliseconds != 0 && milliseconds % unit == 0 {
            return format!("{}{name}", milliseconds / unit);
        }
    }
    format!("{}ms", milliseconds)
}

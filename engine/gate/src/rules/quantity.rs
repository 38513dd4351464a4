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

/// Units of time, longest first: one is `multiplier / divisor` seconds. Two numbers, so that `0.3s` stays exactly 0.3.
const TIME_UNITS: [(&str, f64, f64); 7] =
    [("d", 86_400.0, 1.0), ("h", 3_600.0, 1.0), ("m", 60.0, 1.0), ("s", 1.0, 1.0), ("ms", 1.0, 1e3), ("us", 1.0, 1e6), ("ns", 1.0, 1e9)];

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
        return Err(format!("expected a number, found `{text}`"));
    }
    Ok((&text[..end], text[end..].trim_start()))
}

fn parse_time(text: &str) -> Result<f64, String> {
    let mut rest = text;
    let mut seconds = 0.0;
    let mut last = f64::INFINITY;
    while !rest.is_empty() {
        let (number, tail) = split(rest)?;
        let letters = tail.bytes().take_while(|byte| !byte.is_ascii_digit() && !matches!(byte, b'.' | b'-' | b'+')).count();
        let (unit, next) = tail.split_at(letters);
        let unit = unit.trim();
        let value: f64 = number.parse().map_err(|_| format!("expected a number, found `{number}`"))?;
        let unit = if unit == "µs" || unit == "μs" { "us" } else { unit };
        let Some((_, multiplier, divisor)) = TIME_UNITS.iter().find(|(name, ..)| *name == unit) else {
            return Err(unknown_unit(text, unit));
        };
        let size = multiplier / divisor;
        if size >= last || (last < f64::INFINITY && value < 0.0) {
            return Err(format!("expected longer units before shorter ones, like `1h30m`, found `{text}`"));
        }
        last = size;
        seconds += value * multiplier / divisor;
        rest = next;
    }
    finite(seconds, text)
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
    format!("expected one of the units {UNITS}, found {unit} in `{text}`{guess}")
}

/// A number as people write it: no exponent, no noise from binary fractions (`0.30000000000000004` is `0.3`).
pub fn number_text(number: f64) -> String {
    let rounded: f64 = format!("{number:.12e}").parse().unwrap_or(number);
    format!("{rounded}")
}

/// A share as percent, or as percentage points; reading it gives exactly the same share.
pub fn share_text(share: f64, unit: &str) -> String {
    let percent = share * 100.0;
    let short = number_text(percent);
    let is_exact = |text: &String| text.parse::<f64>().is_ok_and(|read| read / 100.0 == share);
    let long = [percent, percent.next_up(), percent.next_down()].map(|candidate| format!("{candidate}"));
    let text = std::iter::once(short).chain(long).find(is_exact).unwrap_or_else(|| format!("{percent}"));
    format!("{text}{unit}")
}

/// Seconds in the longest unit that gives a whole number; reading it gives exactly the same seconds.
pub fn seconds_text(seconds: f64) -> String {
    for (name, multiplier, divisor) in TIME_UNITS {
        let number = seconds * divisor / multiplier;
        let short = format!("{}{name}", number_text(number));
        let is_whole = number_text(number).parse::<f64>().is_ok_and(|read| read.fract() == 0.0 && read >= 1.0);
        if is_whole && parse(&short) == Ok(Quantity::Seconds(seconds)) {
            return short;
        }
    }
    format!("{seconds}s")
}

/// A duration in milliseconds as it is written in rules: a whole number of the longest unit that fits.
pub fn duration_text(milliseconds: i64) -> String {
    for (name, unit) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
        if milliseconds != 0 && milliseconds % unit == 0 {
            return format!("{}{name}", milliseconds / unit);
        }
    }
    if milliseconds == 0 { "0s".to_owned() } else { format!("{milliseconds}ms") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_carry_their_unit() {
        for (text, wanted) in [
            ("10%", Quantity::Percent(0.1)),
            ("0.1 %", Quantity::Percent(0.001)),
            ("0.2pp", Quantity::PercentagePoints(0.002)),
            ("800ms", Quantity::Seconds(0.8)),
            ("1h30m", Quantity::Seconds(5_400.0)),
            ("250us", Quantity::Seconds(0.000_25)),
            ("5µs", Quantity::Seconds(0.000_005)),
            ("0.3s", Quantity::Seconds(0.3)),
            ("2d", Quantity::Seconds(172_800.0)),
            ("-3", Quantity::Plain(-3.0)),
            ("1e3", Quantity::Plain(1000.0)),
            (".5", Quantity::Plain(0.5)),
        ] {
            assert_eq!(parse(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for (text, said) in [
            ("", "expected a number"),
            ("fast", "expected a number"),
            ("%", "expected a number"),
            ("1..2", "expected a number"),
            ("10percent", "did you mean `%`"),
            ("5 minutes", "did you mean `m`"),
            ("10x", "expected one of the units"),
            ("30m1h", "longer units before shorter"),
            ("1h1h", "longer units before shorter"),
            ("1h30", "found nothing"),
            ("nan", "expected a number"),
            ("inf", "expected a number"),
            ("1e999", "too large"),
            ("1e999s", "too large"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn values_are_printed_as_people_write_them() {
        assert_eq!(share_text(0.1, "%"), "10%");
        assert_eq!(share_text(0.002, "pp"), "0.2pp");
        assert_eq!(share_text(0.07, "%"), "7%");
        assert_eq!(seconds_text(0.8), "800ms");
        assert_eq!(seconds_text(0.000_123_456_789_1), "0.0001234567891s");
        assert_eq!(seconds_text(0.005), "5ms");
        assert_eq!(seconds_text(7_200.0), "2h");
        assert_eq!(duration_text(5_400_000), "90m");
        assert_eq!(duration_text(0), "0s");
        assert_eq!(duration_text(1_500), "1500ms");
        assert_eq!(number_text(0.1 + 0.2), "0.3");
    }

    proptest! {
        #[test]
        fn printing_loses_nothing(written in 0.0..1e9_f64) {
            let share = written / 100.0;
            prop_assert_eq!(parse(&share_text(share, "%")), Ok(Quantity::Percent(share)));
            prop_assert_eq!(parse(&seconds_text(written)), Ok(Quantity::Seconds(written)));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,12}|[-+.0-9eE%pmsuh]{0,9}") {
            let _ = parse(&text);
        }
    }
}

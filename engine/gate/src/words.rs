//! Values as tired people read them: with their unit, few digits, never a bare number.

use crate::rules::rule_set::Unit;

/// Three significant digits, without needless zeros.
pub fn digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-6.0..15.0).contains(&magnitude) {
        return format!("{value:.2e}");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 8")]
    let decimals = if magnitude >= 2.0 { 0 } else { (2.0 - magnitude) as usize };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A value in a metric's unit.
pub fn value(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Milliseconds => self::value(value / 1e3, Unit::Seconds),
        Unit::Seconds if value.abs() < 1e-3 && value != 0.0 => format!("{} µs", digits(value * 1e6)),
        Unit::Seconds if value.abs() < 1.0 => format!("{} ms", digits(value * 1e3)),
        Unit::Seconds => format!("{} s", digits(value)),
        Unit::Ratio => format!("{} %", digits(value * 100.0)),
        Unit::PerSecond => format!("{}/s", digits(value)),
        Unit::Plain => digits(value),
    }
}

/// A difference in a metric's unit, signed; of a ratio in percentage points.
pub fn difference(difference: f64, unit: Unit) -> String {
    let sign = if difference > 0.0 { "+" } else { "" };
    match unit {
        Unit::Ratio => format!("{sign}{} pp", digits(difference * 100.0)),
        Unit::Seconds | Unit::Milliseconds | Unit::PerSecond | Unit::Plain => format!("{sign}{}", value(difference, unit)),
    }
}

/// A ratio of canary to baseline as a change: `+52 %`, `−8 %`, and from threefold on `×3.4`.
pub fn change(ratio: f64) -> String {
    if ratio >= 3.0 {
        return format!("×{}", digits(ratio));
    }
    let percent = (ratio - 1.0) * 100.0;
    let rounded = if percent.abs() >= 10.0 { percent.round() } else { (percent * 10.0).round() / 10.0 };
    // A rounded nothing has no sign.
    let rounded = if rounded == 0.0 { 0.0 } else { rounded };
    let sign = if rounded > 0.0 {
        "+"
    } else if rounded < 0.0 {
        "−"
    } else {
        "±"
    };
    format!("{sign}{} %", digits(rounded.abs()))
}

/// Evidence as odds: `240 to 1`, `1 to 3`.
pub fn odds(ln_e: f64) -> String {
    let in_words = |ln: f64| {
        if ln >= (1e9_f64).ln() {
            return "over a billion".to_owned();
        }
        let odds = ln.exp();
        if odds >= 1e6 {
            format!("{} million", digits(odds / 1e6))
        } else if odds >= 100.0 {
            grouped(odds)
        } else {
            let two = if odds >= 10.0 { odds.round() } else { (odds * 10.0).round() / 10.0 };
            digits(two)
        }
    };
    if ln_e >= 0.0 { format!("{} to 1", in_words(ln_e)) } else { format!("1 to {}", in_words(-ln_e)) }
}

/// Two significant digits below ten thousand and thin groups of three above: nobody needs more of odds.
fn grouped(odds: f64) -> String {
    let scale = 10_f64.powf(odds.log10().floor() - 1.0);
    let rounded = (odds / scale).round() * scale;
    let plain = format!("{rounded:.0}");
    let mut text = String::new();
    for (index, digit) in plain.chars().enumerate() {
        if index > 0 && (plain.len() - index) % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A duration in milliseconds, in the two largest units: `4 m 30 s`.
pub fn duration(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) if milliseconds > 0 => format!("{milliseconds} ms"),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} m"),
        (0, minutes, seconds) => format!("{minutes} m {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} m"),
    }
}

/// `1 window`, `2 windows`.
pub fn windows(count: usize) -> String {
    format!("{count} window{}", if count == 1 { "" } else { "s" })
}

/// A count with thin groups of three: `12 345`.
pub fn count(count: f64) -> String {
    let plain = format!("{:.0}", count.round());
    let mut text = String::new();
    for (index, digit) in plain.chars().enumerate() {
        if index > 0 && (plain.len() - index) % 3 == 0 && text != "-" {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

/// `a`, `a and b`, `a, b and c`.
pub fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_carry_their_unit_and_few_digits() {
        for (number, unit, text) in [
            (0.1423, Unit::Seconds, "142 ms"),
            (1.5, Unit::Seconds, "1.5 s"),
            (0.000_25, Unit::Seconds, "250 µs"),
            (0.0, Unit::Seconds, "0 ms"),
            (0.0012, Unit::Ratio, "0.12 %"),
            (0.0, Unit::Ratio, "0 %"),
            (312.4, Unit::PerSecond, "312/s"),
            (1234.0, Unit::Plain, "1234"),
            (1e-9, Unit::Plain, "1.00e-9"),
        ] {
            assert_eq!(value(number, unit), text);
        }
    }

    #[test]
    fn changes_and_odds_read_aloud() {
        for (ratio, text) in [(1.52, "+52 %"), (0.92, "−8 %"), (1.0, "±0 %"), (1.0004, "±0 %"), (3.4, "×3.4"), (1.034, "+3.4 %")] {
            assert_eq!(change(ratio), text);
        }
        for (ln, text) in [
            (240f64.ln(), "240 to 1"),
            (4123f64.ln(), "4 100 to 1"),
            (0.0, "1 to 1"),
            (-(3f64.ln()), "1 to 3"),
            (2.5e6f64.ln(), "2.5 million to 1"),
            (700.0, "over a billion to 1"),
        ] {
            assert_eq!(odds(ln), text);
        }
    }

    #[test]
    fn durations_and_lists() {
        assert_eq!(duration(270_000), "4 m 30 s");
        assert_eq!(duration(3_600_000), "1 h");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }
}

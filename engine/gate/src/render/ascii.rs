//! Texts for terminals that can show nothing but ASCII.

/// The text in ASCII: the signs that Davy's own texts use are spelled, others become `?`. Colours stay.
pub fn to_ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '→' => plain.push_str("->"),
            '…' => plain.push_str("..."),
            '−' | '–' | '—' => plain.push('-'),
            '±' => plain.push_str("+-"),
            '×' => plain.push('x'),
            'µ' => plain.push('u'),
            '·' => plain.push('.'),
            '¦' => plain.push(':'),
            '│' => plain.push('|'),
            '\u{a0}' | '\u{2009}' | '\u{202f}' => plain.push(' '),
            '‘' | '’' => plain.push('\''),
            '“' | '”' => plain.push('"'),
            sign if sign.is_ascii() => plain.push(sign),
            _ => plain.push('?'),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn davys_own_signs_are_spelled_and_others_marked() {
        assert_eq!(to_ascii("84 ms → 124 µs, −8 %, ±0 %, ×3.4 …"), "84 ms -> 124 us, -8 %, +-0 %, x3.4 ...");
        assert_eq!(to_ascii("größe\u{1b}[31m\n"), "gr??e\u{1b}[31m\n");
    }
}

//! Numbers and times as people read them.

use std::time::Duration;

use crate::domain::op::Micros;

/// `1,204`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 message`, `1,204 messages`.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// A length of time: `0.4 ms`, `310 ms`, `3.2 s`, `2 min 5 s`.
#[must_use]
pub fn span(duration: Duration) -> String {
    let secs = duration.as_secs_f64();
    if duration.is_zero() {
        "0 s".into()
    } else if secs < 0.01 {
        format!("{:.1} ms", secs * 1e3)
    } else if secs < 0.9995 {
        format!("{:.0} ms", secs * 1e3)
    } else if secs < 119.95 {
        let tenths = format!("{secs:.1}");
        format!("{} s", tenths.strip_suffix(".0").unwrap_or(&tenths))
    } else {
        let whole = secs.round() as u64;
        match (whole / 60, whole % 60) {
            (minutes, 0) => format!("{} min", count(minutes)),
            (minutes, rest) => format!("{} min {rest} s", count(minutes)),
        }
    }
}

/// An instant of the run: `8.412 s`.
#[must_use]
pub fn instant(at: Micros) -> String {
    format!("{:.3} s", at.secs())
}

/// `62 %`, and never 0 % or 100 % for what is not exactly that.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    match (part, whole) {
        (0, _) | (_, 0) => "0 %".into(),
        (part, whole) if part == whole => "100 %".into(),
        (part, whole) => {
            let share = (part as f64 / whole as f64 * 100.0).clamp(0.1, 99.9);
            format!("{share:.1} %")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated_and_one_is_singular() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_204), "1,204");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(counted(1, "message"), "1 message");
        assert_eq!(counted(0, "message"), "0 messages");
    }

    #[test]
    fn times_have_the_unit_that_fits() {
        for (micros, words) in [
            (0, "0 s"),
            (400, "0.4 ms"),
            (310_000, "310 ms"),
            (999_900, "1 s"),
            (3_210_000, "3.2 s"),
            (12_000_000, "12 s"),
            (119_990_000, "2 min"),
            (125_000_000, "2 min 5 s"),
        ] {
            assert_eq!(span(Duration::from_micros(micros)), words);
        }
    }

    #[test]
    fn a_share_is_never_rounded_to_none_or_all() {
        assert_eq!(percent(1, 1_000_000), "0.1 %");
        assert_eq!(percent(999_999, 1_000_000), "99.9 %");
        assert_eq!(percent(5, 5), "100 %");
    }
}

//! Lengths of time as people write them in configuration (`90s`, `15m`, `12h`,
//! `2d`) and read them in messages. Whole seconds.

/// Reads a number with one unit: `s`, `m`, `h` or `d`.
pub fn parse(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<u64>().ok()?.checked_mul(seconds)
}

/// Writes `seconds` for a person, to two units: `42 s`, `3 min 5 s`, `2 d 1 h`.
pub fn for_people(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut words = Vec::new();
    for (size, unit) in UNITS {
        let count = rest.checked_div(size).unwrap_or(0);
        rest = rest.checked_rem(size).unwrap_or(0);
        if count > 0 {
            words.push(format!("{count} {unit}"));
        }
        // The unit after the largest one is the last, even where it is zero.
        if words.len() == 2 || (!words.is_empty() && rest == 0) {
            break;
        }
    }
    if words.is_empty() {
        "0 s".to_owned()
    } else {
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_one_unit() {
        for (text, seconds) in [
            ("0s", 0),
            ("90s", 90),
            ("15m", 900),
            ("12h", 43_200),
            ("2d", 172_800),
        ] {
            assert_eq!(parse(text), Some(seconds));
        }
        for bad in [
            "",
            "s",
            "10",
            "10 s",
            "-1s",
            "+1s",
            "1.5h",
            "1h30m",
            "1w",
            "é",
            "99999999999999999999s",
            "999999999999999999d",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn people_read_two_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (42, "42 s"),
            (60, "1 min"),
            (185, "3 min 5 s"),
            (3_600, "1 h"),
            (3_605, "1 h 5 s"),
            (7_385, "2 h 3 min"),
            (176_400, "2 d 1 h"),
        ] {
            assert_eq!(for_people(seconds), text);
        }
    }
}

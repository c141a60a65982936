//! User codes (RFC 8628 §6.1): short enough to be typed, out of letters that spell no words and
//! that are not taken for one another.

use crate::error::Fault;
use jose::sign;

/// The letters: no vowels, and no digits that they might be taken for.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// How many letters a code has: one of 25.6 thousand million, so that the few tries which a code
/// survives find none (§5.1).
const LENGTH: usize = 8;

/// A new code, without its dash.
///
/// # Errors
/// The system has no randomness to give.
pub fn new() -> Result<String, Fault> {
    // 2^64 is so many times the number of codes that none of them is likelier to be seen.
    sign::random_number().map(of_number).map_err(Fault::lasting)
}

/// A code as people are shown it: `BCDF-GHJK`.
#[must_use]
pub fn shown(code: &str) -> String {
    match code.split_at_checked(LENGTH / 2) {
        Some((first, second)) => format!("{first}-{second}"),
        None => code.to_owned(),
    }
}

/// The code that somebody typed, whatever the case and whatever stands between the letters; none
/// where it cannot be one.
#[must_use]
pub fn typed(text: &str) -> Option<String> {
    let letters = text.chars().filter(|letter| letter.is_alphanumeric());
    let code: String = letters
        .map(|letter| letter.to_ascii_uppercase())
        .take(LENGTH + 1)
        .collect();
    let is_code = code.len() == LENGTH && code.bytes().all(|byte| LETTERS.contains(&byte));
    is_code.then_some(code)
}

fn of_number(mut number: u64) -> String {
    let mut code = String::with_capacity(LENGTH);
    for _ in 0..LENGTH {
        let letter = usize::try_from(number % 20).ok();
        let letter = letter.and_then(|at| LETTERS.get(at));
        code.push(letter.map_or('B', |letter| char::from(*letter)));
        number /= 20;
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_of_the_letters_and_are_known_again_as_people_type_them() {
        assert_eq!(of_number(0), "BBBBBBBB");
        assert_eq!(of_number(u64::MAX).len(), LENGTH);
        let codes: BTreeSet<String> = (0..100).map(|_| new().unwrap()).collect();
        assert_eq!(codes.len(), 100);
        for code in codes {
            let shown = shown(&code);
            assert_eq!(shown.len(), LENGTH + 1);
            for text in [
                shown.clone(),
                code.to_lowercase(),
                format!(" {} ", shown.replace('-', " \u{2013} ")),
            ] {
                assert_eq!(typed(&text), Some(code.clone()), "{text}");
            }
        }
        for text in [
            "",
            "BCDF-GHJ",
            "BCDF-GHJKL",
            "BCDF-GHJA",
            "BCDF-GHJ1",
            "ÄÄÄÄÄÄÄÄ",
        ] {
            assert_eq!(typed(text), None, "{text}");
        }
    }
}

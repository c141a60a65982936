//! A secret in pieces. No length of an answer passes everywhere (ssh cuts at 1023 bytes, sudo
//! refuses more than 511), so one of exactly 500 bytes is continued by a further prompt,
//! whatever it holds, and any other ends the secret. Nothing else decides: not the content,
//! since sshd answers for accounts that do not exist with junk of the same length, and not
//! the account.

use pam::Secret;

/// An answer of just so many bytes is continued.
const PIECE: usize = 500;

/// What every first prompt ends in: what answers prompts by itself looks for it.
const END: &str = "token: ";

/// A secret, and in how many answers it came.
pub(crate) struct Answer {
    pub(crate) secret: Secret,
    pub(crate) count: usize,
}

/// Has `ask` pose the prompts, of which the first begins with `before`, until the secret has
/// ended or has more than `most` bytes.
///
/// # Errors
/// The first of `ask`.
pub(crate) fn collect<E>(
    before: &str,
    most: usize,
    mut ask: impl FnMut(&str) -> Result<Secret, E>,
) -> Result<Answer, E> {
    let mut pieces = vec![ask(&format!("{before}{END}"))?];
    let mut bytes = length(pieces.last());
    while length(pieces.last()) == PIECE && bytes <= most {
        // Whoever answers needs no memory of what was asked before.
        pieces.push(ask(&format!("token[{bytes}]: "))?);
        bytes = bytes.saturating_add(length(pieces.last()));
    }
    if is_one_answer(&pieces) {
        pieces.truncate(1);
    }
    let count = pieces.len();
    let secret = match pieces.pop() {
        Some(only) if pieces.is_empty() => only,
        last => {
            pieces.extend(last);
            Secret::concat(&pieces)
        }
    };
    Ok(Answer { secret, count })
}

fn length(piece: Option<&Secret>) -> usize {
    piece.map_or(0, |piece| piece.as_bytes().len())
}

/// Whether the pieces are one answer given again and again, as sshd gives it under `password`
/// and PostgreSQL always: then it is the secret, once.
///
/// Whoever can answer each prompt ends with another length, and pieces of several lengths are
/// not alike: 500 bytes twice and then nothing are a secret of 1000 bytes. So this is about
/// nothing but what went on up to the bound. To stop at the first piece that repeats would
/// not be the same: the junk that sshd gives for an account that does not exist repeats, and
/// a token does not.
fn is_one_answer(pieces: &[Secret]) -> bool {
    pieces
        .windows(2)
        .all(|pair| matches!(pair, [one, next] if one.as_bytes() == next.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 64 * 1024;

    /// Gives the answers, the last one again and again; the secret, the count and what was
    /// asked.
    fn collected(answers: &[&[u8]], most: usize) -> (Vec<u8>, usize, Vec<String>) {
        let mut asked = Vec::new();
        let answer = collect("Password or ", most, |prompt| {
            let answer = answers.get(asked.len()).or(answers.last()).unwrap();
            asked.push(prompt.to_owned());
            Ok::<_, ()>(Secret::from(answer.to_vec()))
        });
        let answer = answer.unwrap();
        (answer.secret.as_bytes().to_vec(), answer.count, asked)
    }

    fn piece(byte: u8) -> [u8; PIECE] {
        [byte; PIECE]
    }

    #[test]
    fn an_answer_of_any_other_length_is_the_secret() {
        for length in [0, 1, 499, 501, 511, 1000, 1023, 100_000] {
            let text = vec![b'x'; length];
            let (secret, count, asked) = collected(&[&text], MOST);
            assert_eq!((secret, count), (text, 1));
            assert_eq!(asked, ["Password or token: "]);
        }
    }

    #[test]
    fn answers_of_500_bytes_are_continued_until_one_is_not() {
        let (a, b) = (piece(b'a'), piece(b'b'));
        for last in [&b""[..], b"c", &[b'c'; 499], &[b'c'; 501]] {
            let (secret, count, asked) = collected(&[&a, &b, last], MOST);
            assert_eq!(secret, [&a[..], &b, last].concat());
            assert_eq!(count, 3);
            assert_eq!(
                asked,
                ["Password or token: ", "token[500]: ", "token[1000]: "]
            );
        }
        let (secret, count, asked) = collected(&[&a, b""], MOST);
        assert_eq!((secret, count), (a.to_vec(), 2));
        assert_eq!(asked.len(), 2);
    }

    #[test]
    fn what_the_answers_hold_decides_nothing() {
        let asked = |a: u8, b: u8| collected(&[&piece(a), &piece(b), b"end"], MOST).2;
        let token = asked(b'e', b'y');
        for (a, b) in [(b'e', b'e'), (0x7f, 0x7f), (b'\n', b' ')] {
            assert_eq!(asked(a, b), token);
        }
    }

    #[test]
    fn nothing_is_asked_beyond_the_bound() {
        let (a, b) = (piece(b'a'), piece(b'b'));
        let (secret, _, asked) = collected(&[&a, &b, &b, b""], 1000);
        assert_eq!((secret.len(), asked.len()), (1500, 3));
        // As long as it may be is not too long.
        let (secret, _, asked) = collected(&[&a, &b, b""], 1000);
        assert_eq!((secret.len(), asked.len()), (1000, 3));
        let (secret, _, asked) = collected(&[&a, &b], MOST);
        assert_eq!((secret.len(), asked.len()), (66_000, 132));
    }

    #[test]
    fn one_answer_to_every_prompt_counts_once() {
        for most in [1000, MOST] {
            let (secret, count, asked) = collected(&[&piece(b'a')], most);
            assert_eq!((secret, count), (piece(b'a').to_vec(), 1));
            assert_eq!(asked.len(), most / PIECE + 1);
        }
        let (secret, count, _) = collected(&[&piece(b'a'), &piece(b'a'), b""], MOST);
        assert_eq!((secret.len(), count), (1000, 3));
    }

    #[test]
    fn who_gives_up_has_answered_nothing() {
        let mut left = 3;
        let answer = collect("", MOST, |_| {
            left -= 1;
            let piece = Secret::from(piece(b'a').to_vec());
            (left > 0).then_some(piece).ok_or("gave up")
        });
        assert_eq!(answer.err(), Some("gave up"));
    }
}

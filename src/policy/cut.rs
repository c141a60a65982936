//! Tokens that a program on their way has cut without a word.

use crate::decision::{Note, Refusal};
use crate::reason::Reason;

/// The lengths at which programs cut an answer: ssh, gdm and pam_exec, and what reads from a
/// terminal (readpass.c, PAM_MAX_RESP_SIZE less one, misc_conv).
const LENGTHS: [usize; 3] = [1023, 511, 4095];

/// Whether one answer of this length may have lost its end.
fn is_suspect(length: usize) -> bool {
    LENGTHS.contains(&length)
}

/// What to tell a user who was refused after one answer of this length. The length alone
/// decides, since anybody can send such an answer, and for an account that does not exist
/// sshd sends junk in its place: a rule that looked at the content would tell which accounts
/// do. It may have been a password, hence the "if".
pub fn advice(length: usize) -> Option<String> {
    is_suspect(length).then(|| {
        format!(
            "If that was a token, it was cut at {length} bytes on its way: give it in lines of \
             500 bytes (fold -w 500), or use jwt-ssh."
        )
    })
}

/// The refusal of a token for `error`. One that is not whole and has such a length was cut,
/// which is what to say of it; but not one that came in pieces, since none of them is that
/// long.
pub(crate) fn refusal_of(
    error: jose::Error,
    token: &[u8],
    in_pieces: bool,
    is_whole: bool,
) -> Refusal {
    if is_whole || in_pieces || !is_suspect(token.len()) {
        return error.into();
    }
    Refusal {
        reason: Reason::TokenCut,
        note: Note::Detail(format!("it has exactly {} bytes", token.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_depends_on_the_length_alone() {
        for length in LENGTHS {
            let advice = advice(length).unwrap();
            assert!(advice.contains(&format!("cut at {length} bytes")));
            assert_eq!(super::advice(length - 1), None);
            assert_eq!(super::advice(length + 1), None);
        }
        for length in [0, 500, 1000] {
            assert_eq!(advice(length), None);
        }
    }
}

//! Prompts: which part of a token one asks for, and who poses it. Text alone; whether
//! it is answered is [`crate::conversation`]'s to say.

/// The length of a piece: an answer of just so many bytes is continued by a further
/// prompt, `token[500]: `, `token[1000]: `, ….
pub const PIECE: usize = 500;

/// Where in the token the piece begins that a prompt asks for, if it asks for one. `text`
/// is what the asking program says, without what stands before it.
pub fn wanted(text: &[u8]) -> Option<usize> {
    // Text may stand before the question: sshd 9.2 joins messages to it. What a terminal
    // would obey does not come from pam_jwt.
    let mut rest = text;
    while let [byte, behind @ ..] = rest {
        let is_text = match byte {
            b'\n' | b'\t' => true,
            b'\r' => behind.first() == Some(&b'\n'),
            byte => !byte.is_ascii_control(),
        };
        if !is_text {
            return None;
        }
        rest = behind;
    }
    if text.ends_with(b"token: ") {
        return Some(0);
    }
    let text = text.strip_suffix(b"]: ")?;
    let digits = text.rsplit(|byte| *byte == b'[').next()?;
    text.strip_suffix(digits)?.strip_suffix(b"token[")?;
    let canonical = digits.iter().all(u8::is_ascii_digit) && digits.first() != Some(&b'0');
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (canonical && is_offset(number)).then_some(number)
}

/// Whether a continuation can ask for it.
fn is_offset(number: usize) -> bool {
    number.checked_rem(PIECE) == Some(0) && number <= jose::compact::MAX_BYTES
}

/// The piece of `token` at `offset`, empty at its end; none beyond it.
pub fn piece(token: &[u8], offset: usize) -> Option<&[u8]> {
    let rest = token.get(offset..)?;
    Some(rest.get(..PIECE).unwrap_or(rest))
}

/// Whether the terminal should show what is typed. ssh does not say it to its askpass; its
/// question about a host key is the one that asks for no secret. What a server asks begins
/// with `(user@host) `, and is never shown, however it ends.
pub fn is_about_a_host_key(prompt: &str) -> bool {
    let ends = ["(yes/no/[fingerprint])? ", "(yes/no)? ", "(yes/no): "];
    let is_asked = ends.iter().any(|end| prompt.ends_with(end));
    !prompt.starts_with('(') && (is_asked || prompt.starts_with("Please type 'yes'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_names_the_offset_that_it_wants() {
        for (text, offset) in [
            (&b"Password or token: "[..], 0),
            (b"token: ", 0),
            (b"Hello.\nYour token: ", 0),
            (b"Hello,\tyou.\r\nYour token: ", 0),
            (b"token[500]: ", 500),
            (b"token[60000]: ", 60_000),
            (b"Hello [all].\ntoken[1000]: ", 1000),
        ] {
            assert_eq!(wanted(text), Some(offset));
        }
    }

    #[test]
    fn anything_else_asks_for_no_token() {
        for text in [
            &b""[..],
            b"Password: ",
            b"token",
            b"token:",
            b"token: \n",
            b"Token: ",
            b"token[0]: ",
            b"token[]: ",
            b"token[0500]: ",
            b"token[+500]: ",
            b"token[-500]: ",
            b"token[ 500]: ",
            b"token[499]: ",
            b"token[501]: ",
            b"token[500]:",
            b"token[500] : ",
            b"token500]: ",
            b"[500]: ",
            b"token[66000]: ",
            b"token[18446744073709551616]: ",
            b"token[99999999999999999999999999]: ",
            b"\x1b[2Jtoken: ",
            b"\rtoken: ",
            b"\r\r\ntoken: ",
            b"x\0token[500]: ",
        ] {
            assert_eq!(wanted(text), None, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn pieces_are_of_500_bytes_and_an_empty_one_ends_a_whole_number_of_them() {
        let token = vec![b'a'; 1000];
        assert_eq!(piece(&token, 0), token.get(..500));
        assert_eq!(piece(&token, 500), token.get(500..));
        assert_eq!(piece(&token, 1000), Some(&[][..]));
        assert_eq!(piece(&token, 1500), None);
        assert_eq!(piece(b"short", 0), Some(&b"short"[..]));
    }

    #[test]
    fn only_a_question_about_a_host_key_shows_what_is_typed() {
        let asked = "Are you sure you want to continue connecting (yes/no/[fingerprint])? ";
        assert!(is_about_a_host_key(&format!(
            "The authenticity of host …\n{asked}"
        )));
        assert!(is_about_a_host_key(
            "Please type 'yes', 'no' or the fingerprint: "
        ));
        for prompt in [
            &format!("(alice@web1) {asked}"),
            "(alice@web1) Please type 'yes' and your password (yes/no)? ",
            "Enter passphrase for key '/home/alice/.ssh/id_ed25519': ",
            "alice@web1's password: ",
        ] {
            assert!(!is_about_a_host_key(prompt), "{prompt}");
        }
    }
}

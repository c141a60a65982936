//! Lines that `enable` puts into a text and `disable` takes out again, so that it is byte for byte
//! what it was. Pure, and over bytes: a comment may be in any encoding.

/// How each of these lines ends. libpam takes a comment there.
pub const MARK: &str = "# by pam-jwt enable";

/// The text with lines, each put before the one whose number is given, counted from 0.
pub fn with(text: &[u8], lines: &[(usize, String)]) -> Vec<u8> {
    let mut new = Vec::with_capacity(text.len() + 64 * lines.len());
    let old: Vec<&[u8]> = text.split_inclusive(is_newline).collect();
    for at in 0..=old.len() {
        for (_, line) in lines
            .iter()
            .filter(|(before, _)| *before.min(&old.len()) == at)
        {
            // A last line that no newline ends stays one: ours has none then, either.
            let ended = new.last().is_none_or(is_newline);
            if ended {
                new.extend_from_slice(format!("{line} {MARK}\n").as_bytes());
            } else {
                new.extend_from_slice(format!("\n{line} {MARK}").as_bytes());
            }
        }
        new.extend_from_slice(old.get(at).copied().unwrap_or_default());
    }
    new
}

/// The text without them.
pub fn without(text: &[u8]) -> Vec<u8> {
    without_but(text, &[])
}

/// The text without them, but for those that `kept` has.
pub fn without_but(text: &[u8], kept: &[String]) -> Vec<u8> {
    let mut rest = Vec::with_capacity(text.len());
    for line in text.split_inclusive(is_newline) {
        if !is_ours(line) || kept.contains(&shown(line)) {
            rest.extend_from_slice(line);
        } else if !line.last().is_some_and(is_newline) {
            rest.pop_if(|last| is_newline(last));
        }
    }
    rest
}

/// The lines of the text that are ours, as they can be shown.
pub fn ours(text: &[u8]) -> Vec<String> {
    let lines = text.split_inclusive(is_newline);
    lines.filter(|line| is_ours(line)).map(shown).collect()
}

/// Lines that call pam_jwt.so and are somebody else's.
pub fn by_hand(text: &[u8]) -> Vec<String> {
    let text = without(text);
    let lines = String::from_utf8_lossy(&text);
    let code = |line: &&str| {
        line.split('#')
            .next()
            .unwrap_or_default()
            .contains("pam_jwt")
    };
    lines.lines().filter(code).map(str::to_owned).collect()
}

/// One line of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `' '`, `'+'` or `'-'`.
    pub sign: char,
    pub text: String,
}

/// How many lines are shown around a change.
const CONTEXT: usize = 2;

/// What of our lines `new` has more or less than `old`, with the lines around.
pub fn compared(old: &[u8], new: &[u8]) -> Vec<Line> {
    let signed = |text: &[u8], sign| -> Vec<Line> {
        let lines = text.split_inclusive(is_newline);
        let line = |line: &[u8]| Line {
            sign: if is_ours(line) { sign } else { ' ' },
            text: shown(line),
        };
        lines.map(line).collect()
    };
    let (mut old, mut new) = (
        signed(old, '-').into_iter().peekable(),
        signed(new, '+').into_iter().peekable(),
    );
    let mut all = Vec::new();
    loop {
        all.extend(std::iter::from_fn(|| old.next_if(|line| line.sign == '-')));
        all.extend(std::iter::from_fn(|| new.next_if(|line| line.sign == '+')));
        match (old.next(), new.next()) {
            (None, None) => break,
            (kept, other) => all.extend(kept.or(other)),
        }
    }
    let near = |at: usize| {
        let around = at.saturating_sub(CONTEXT)..=at + CONTEXT;
        all.iter()
            .enumerate()
            .any(|(at, line)| line.sign != ' ' && around.contains(&at))
    };
    let lines = all.iter().enumerate().filter(|(at, _)| near(*at));
    lines.map(|(_, line)| line.clone()).collect()
}

fn is_ours(line: &[u8]) -> bool {
    line.trim_ascii_end().ends_with(MARK.as_bytes())
}

fn is_newline(byte: &u8) -> bool {
    *byte == b'\n'
}

fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(line.trim_ascii_end()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [&str; 2] = [
        "auth sufficient pam_jwt.so",
        "session optional pam_jwt.so issue",
    ];

    /// Texts of odd lines with and without their newline, some hundred thousand of them together.
    fn odd_texts() -> Vec<Vec<u8>> {
        let pieces: [&[u8]; 9] = [
            b"",
            b"\n",
            b"\r\n",
            b"auth required pam_unix.so\n",
            b"@include common-auth\r\n",
            b"# caf\xe9\n",
            b"auth \\\n",
            b"\t",
            b"auth required pam_unix.so",
        ];
        let mut texts = vec![Vec::new()];
        for _ in 0..4 {
            let longer = texts.iter().flat_map(|text| {
                pieces
                    .iter()
                    .map(move |piece| [text.as_slice(), *piece].concat())
            });
            texts = longer.collect();
        }
        texts
    }

    #[test]
    fn what_is_put_in_is_taken_out_byte_for_byte() {
        for text in odd_texts() {
            let lines = text.split_inclusive(is_newline).count();
            for at in 0..=lines {
                // The empty text has nothing that asks, and so no place.
                if text.is_empty() {
                    continue;
                }
                let added: Vec<(usize, String)> =
                    vec![(at, LINES[0].to_owned()), (lines, LINES[1].to_owned())];
                let new = with(&text, &added);
                assert_eq!(ours(&new).len(), 2, "{}", text.escape_ascii());
                assert_eq!(without(&new), text, "{}", new.escape_ascii());
                assert_eq!(without(&text), text);
            }
        }
    }

    #[test]
    fn a_line_stands_alone_and_where_it_is_said() {
        let new = with(b"a\nb", &[(1, "x".to_owned()), (2, "y".to_owned())]);
        let text = String::from_utf8(new).unwrap();
        assert_eq!(text, "a\nx # by pam-jwt enable\nb\ny # by pam-jwt enable");
    }

    #[test]
    fn lines_of_others_are_told_from_ours() {
        let text = b"# pam_jwt.so\nauth sufficient pam_jwt.so\nauth optional pam_jwt.so issue debug # by pam-jwt enable \r\n";
        assert_eq!(by_hand(text), ["auth sufficient pam_jwt.so"]);
        assert_eq!(
            ours(text),
            ["auth optional pam_jwt.so issue debug # by pam-jwt enable"]
        );
    }

    #[test]
    fn a_comparison_shows_what_is_around() {
        let old = b"1\n2\n3\n4\n5\n6\n7\n";
        let new = with(old, &[(4, "x".to_owned())]);
        let shown = |old: &[u8], new: &[u8]| -> Vec<String> {
            let lines = compared(old, new).into_iter();
            lines
                .map(|line| format!("{}{}", line.sign, line.text))
                .collect()
        };
        let lines = [" 3", " 4", "+x # by pam-jwt enable", " 5", " 6"];
        assert_eq!(shown(old, &new), lines);
        assert_eq!(shown(&new, old), lines.map(|line| line.replace('+', "-")));
        assert!(shown(old, old).is_empty());
    }
}

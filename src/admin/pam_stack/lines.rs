//! pam.d's text: lines, which `\` continues and `#` ends, and the words of a line.

/// What separates words; other white space, a carriage return for one, belongs to the word.
const BLANK: [char; 3] = [' ', '\t', '\n'];

/// A line as libpam sees it.
pub struct LogicalLine {
    /// Of its first line in the file.
    pub number: usize,
    /// Of its last.
    pub last: usize,
    pub text: String,
    /// False where the file ends although a `\` announced more.
    pub ended: bool,
}

/// Joins what `\` continues and drops comments. A comment ends a line even after a `\`; blank lines
/// and lines that are all comment are no part of what they interrupt.
pub fn logical_lines(text: &str) -> Vec<LogicalLine> {
    let mut lines = Vec::new();
    let mut open: Option<LogicalLine> = None;
    for (index, physical) in text.split('\n').enumerate() {
        let physical = physical.trim_matches(BLANK);
        if physical.is_empty() || physical.starts_with('#') {
            continue;
        }
        let mut line = open.take().unwrap_or_else(|| LogicalLine {
            number: index + 1,
            last: index + 1,
            text: String::new(),
            ended: false,
        });
        line.last = index + 1;
        if let Some((code, _comment)) = physical.split_once('#') {
            line.text.push_str(code);
            line.ended = true;
        } else if let Some(head) = physical.strip_suffix('\\') {
            line.text.push_str(head);
            line.text.push(' ');
        } else {
            line.text.push_str(physical);
            line.ended = true;
        }
        if line.ended {
            lines.push(line);
        } else {
            open = Some(line);
        }
    }
    lines.extend(open);
    lines
}

/// Splits a line at blanks. What a word that begins with `[` holds up to the `]` is one word,
/// without the brackets; `\]` in it is a `]`.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start_matches(BLANK);
    while !rest.is_empty() {
        let after = if let Some(inner) = rest.strip_prefix('[') {
            let (word, after) = bracketed(inner);
            words.push(word);
            after
        } else {
            let (word, after) = rest.split_once(BLANK).unwrap_or((rest, ""));
            words.push(word.to_owned());
            after
        };
        rest = after.trim_start_matches(BLANK);
    }
    words
}

fn bracketed(inner: &str) -> (String, &str) {
    let mut word = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            ']' => break,
            '\\' if chars.as_str().starts_with(']') => word.extend(chars.next()),
            _ => word.push(c),
        }
    }
    (word, chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_continued_lines_and_drops_comments() {
        for (text, expected) in [
            ("", &[][..]),
            ("# only\n \t\n#this", &[]),
            ("a\n\n  b # c\n", &[(1, "a"), (3, "b ")]),
            ("a \\\n b\nc", &[(1, "a  b"), (3, "c")]),
            ("a\\  \nb", &[(1, "a b")]),
            ("a \\\n# between\n\nb", &[(1, "a  b")]),
            // A comment cannot be continued, and continues nothing.
            ("a # b \\\nc", &[(1, "a "), (2, "c")]),
            ("a\r\nb", &[(1, "a\r"), (2, "b")]),
        ] {
            let lines = logical_lines(text);
            assert!(lines.iter().all(|line| line.ended), "{text:?}");
            let lines: Vec<_> = lines
                .iter()
                .map(|line| (line.number, line.text.as_str()))
                .collect();
            assert_eq!(lines, expected, "{text:?}");
        }
        assert!(!logical_lines("a\nb \\\n# c")[1].ended);
    }

    #[test]
    fn splits_words_and_keeps_brackets_together() {
        for (line, expected) in [
            ("a  b\tc ", &["a", "b", "c"][..]),
            ("[a b]c d[e f]", &["a b", "c", "d[e", "f]"]),
            (r"[x [y \] z] w", &["x [y ] z", "w"]),
            ("[never closed w", &["never closed w"]),
            ("[]", &[""]),
            ("a\u{b}b\r", &["a\u{b}b\r"]),
        ] {
            assert_eq!(words(line), expected, "{line}");
        }
    }
}

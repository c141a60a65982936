//! What is wrong in a configuration file, shown where it stands: file, line,
//! column, the source line and a caret.

use std::fmt;
use std::ops::Range;

/// One fault in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// Line and column, counted from 1; none where the whole file is meant.
    pub place: Option<(usize, usize)>,
    /// The source line and the number of characters to mark.
    marked: Option<(String, usize)>,
    /// What is wrong and what to do about it.
    pub message: String,
}

impl Fault {
    /// A fault of the file as a whole.
    pub fn of_file(file: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            place: None,
            marked: None,
            message: message.into(),
        }
    }

    /// A fault at the bytes `span` of `text`.
    pub fn at(file: &str, text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let start = floor_char_boundary(text, span.start);
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let line = text
            .get(line_start..)
            .unwrap_or_default()
            .lines()
            .next()
            .unwrap_or_default();
        let column = before.get(line_start..).unwrap_or_default().chars().count();
        let meant = text
            .get(start..floor_char_boundary(text, span.end))
            .unwrap_or_default();
        let width = meant.lines().next().unwrap_or_default().chars().count();
        Self {
            file: file.to_owned(),
            place: Some((line_number(text, start), column.saturating_add(1))),
            marked: Some((line.to_owned(), width.max(1))),
            message: message.into(),
        }
    }

    /// `FILE:LINE:COLUMN`, or `FILE` where the whole file is meant.
    pub fn location(&self) -> String {
        match self.place {
            Some((line, column)) => format!("{}:{line}:{column}", self.file),
            None => self.file.clone(),
        }
    }

    /// The source line, and under it a caret for every character that is meant.
    pub fn excerpt(&self) -> Option<String> {
        let (_, column) = self.place?;
        let (line, marked) = self.marked.as_ref()?;
        // Tabs stay tabs, so that the caret stands under what it marks.
        let indent: String = line
            .chars()
            .take(column.saturating_sub(1))
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        Some(format!("{line}\n{indent}{}", "^".repeat(*marked)))
    }
}

/// The line of the byte `offset`, counted from 1.
pub(super) fn line_number(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        .saturating_add(1)
}

fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location(), self.message)?;
        for line in self.excerpt().iter().flat_map(|excerpt| excerpt.lines()) {
            write!(f, "\n    {line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_what_is_wrong() {
        let text = "a = 1\n\tkey = \"wröng\"\n";
        let at = text.find("\"wr").unwrap();
        let fault = Fault::at("x.toml", text, at..at + 8, "no");
        assert_eq!(
            fault.to_string(),
            "x.toml:2:8: no\n    \tkey = \"wröng\"\n    \t      ^^^^^^^"
        );
        assert_eq!(fault.location(), "x.toml:2:8");
    }

    #[test]
    fn a_span_out_of_range_is_no_panic() {
        for span in [0..0, 5..90, 90..91] {
            let _ = Fault::at("x", "abc\nä", span, "no").to_string();
        }
        assert_eq!(Fault::of_file("x", "no").to_string(), "x: no");
    }
}

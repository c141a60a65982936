//! A page from a text that can be read as it is: a small part of Markdown, as man(7).
//!
//! - `# HEADING` and `## Subheading`; paragraphs are parted by empty lines.
//! - A term, and under it lines of which the first begins with `: `; a further paragraph that
//!   begins so is about the same term.
//! - `- ` begins a line of a list, four spaces one that stands as it is.
//! - `` `literal` `` is bold and `*replaceable*` in italics. Another page, as in pam.d(5), is bold
//!   without being marked.

use super::{Page, as_typed, date, title};
use std::fmt::Write;

/// A page that is of no command.
pub struct Document {
    /// What it is about.
    pub name: &'static str,
    /// The section of the manual.
    pub section: &'static str,
    /// The text, which begins with `# NAME`.
    pub text: String,
}

impl Document {
    /// The page, of the program and version `source`.
    pub(super) fn page(&self, source: &str) -> Page {
        let (name, section) = (self.name, self.section);
        let (shown, date, title) = (name.to_uppercase(), date(), title(section));
        let head = format!(".TH \"{shown}\" {section} \"{date}\" \"{source}\" \"{title}\"\n");
        // As Linux-PAM's own: what is typed is neither hyphenated nor stretched.
        let text = head + ".nh\n.ad l\n" + &body(&self.text);
        Page {
            name: name.to_owned(),
            section,
            text,
        }
    }
}

/// The text, formatted.
fn body(text: &str) -> String {
    let mut roff = String::new();
    // Behind a heading begins a paragraph by itself.
    let mut paragraph = "";
    for block in text.split("\n\n") {
        let block = block.trim_matches('\n');
        let term = block.split_once("\n: ");
        if block.is_empty() {
            continue;
        }
        if let Some(heading) = block.strip_prefix("# ") {
            let _ = writeln!(roff, ".SH \"{}\"", as_typed(heading));
        } else if let Some(heading) = block.strip_prefix("## ") {
            let _ = writeln!(roff, ".SS \"{}\"", as_typed(heading));
        } else if block.starts_with("    ") {
            let _ = writeln!(roff, "{paragraph}.RS 4\n.nf\n{}.fi\n.RE", as_it_is(block));
        } else if let Some(items) = block.strip_prefix("- ") {
            for item in items.split("\n- ") {
                let _ = writeln!(roff, ".IP \\(bu 2\n{}", flowing(item));
            }
        } else if let Some(more) = block.strip_prefix(": ") {
            let _ = writeln!(roff, ".IP\n{}", flowing(more));
        } else if let Some((term, text)) = term {
            let _ = writeln!(roff, ".TP\n{}\n{}", flowing(term), flowing(text));
        } else {
            let _ = writeln!(roff, "{paragraph}{}", flowing(block));
        }
        paragraph = if block.starts_with('#') { "" } else { ".PP\n" };
    }
    roff
}

/// Lines that stand as they are, but for the four spaces before them.
fn as_it_is(block: &str) -> String {
    let mut roff = String::new();
    for line in block.lines() {
        let line = line.strip_prefix("    ").unwrap_or_default();
        let line = line.replace('\\', r"\e").replace('-', r"\-");
        let line = match line.as_str() {
            "" => ".sp".to_owned(),
            line if line.starts_with(['.', '\'']) => format!(r"\&{line}"),
            line => line.to_owned(),
        };
        let _ = writeln!(roff, "{}", as_typed(&line));
    }
    roff
}

/// Running text.
fn flowing(text: &str) -> String {
    let mut roff = String::new();
    for line in text.lines().map(str::trim_start) {
        let guard = if line.starts_with('.') { r"\&" } else { "" };
        let _ = writeln!(roff, "{guard}{line}");
    }
    inline(roff.trim_end())
}

/// The marks within running text.
fn inline(text: &str) -> String {
    let mut roff = String::new();
    let (mut is_literal, mut is_italic) = (false, false);
    // Where the word begins that may be the name of a page.
    let mut word = 0;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '`' => {
                is_literal = !is_literal;
                roff.push_str(if is_literal { r"\fB" } else { r"\fR" });
            }
            '*' if !is_literal => {
                is_italic = !is_italic;
                roff.push_str(if is_italic { r"\fI" } else { r"\fR" });
            }
            '(' if !is_literal && is_section(rest.as_str()) && word < roff.len() => {
                let name = roff.split_off(word).replace('-', r"\-");
                let _ = write!(roff, r"\fB{name}\fR(");
            }
            '\\' if is_literal => roff.push_str(r"\e"),
            '-' if is_literal || is_italic => roff.push_str(r"\-"),
            c => roff.push(c),
        }
        if !(c.is_ascii_alphanumeric() || "-_.".contains(c)) || is_literal {
            word = roff.len();
        }
    }
    as_typed(&roff)
}

/// Whether it begins as in pam.d(5) behind the parenthesis.
fn is_section(rest: &str) -> bool {
    let mut rest = rest.chars();
    matches!((rest.next(), rest.next()), (Some('1'..='8'), Some(')')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_formatted() {
        let text = "\
# NAME

x - does it

# ABOUT

One paragraph
of `a-b \\ *c*` and *A-FILE*.

.hidden is not in pam-jwt.toml(5), nor (5).

    .conf = 'a'
    
      -b

`term` = *value*
: What it
is.

: And more.

- one
- two,
  longer

## Sub";
        let expected = "\
.SH \"NAME\"
x - does it
.SH \"ABOUT\"
One paragraph
of \\fBa\\-b \\e *c*\\fR and \\fIA\\-FILE\\fR.
.PP
\\&.hidden is not in \\fBpam\\-jwt.toml\\fR(5), nor (5).
.PP
.RS 4
.nf
\\&.conf = \\(aqa\\(aq
.sp
  \\-b
.fi
.RE
.TP
\\fBterm\\fR = \\fIvalue\\fR
What it
is.
.IP
And more.
.IP \\(bu 2
one
.IP \\(bu 2
two,
longer
.SS \"Sub\"
";
        assert_eq!(body(text), expected);
    }
}

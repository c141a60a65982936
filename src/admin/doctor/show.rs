//! The report, for people and as JSON.

use super::finding::{Finding, Topic, Verdict};
use cli::output::{Output, Tone, visible};
use serde_json::{Value, json};

/// Where text stands, behind the word that says how it is.
const INDENT: &str = "           ";

/// As wide as text gets behind that.
const WIDTH: usize = 80;

pub(super) fn as_json(findings: &[Finding]) -> Value {
    let one = |finding: &Finding| {
        json!({ "topic": finding.topic.name(), "verdict": finding.verdict.name(),
            "says": finding.says, "mend": finding.mend })
    };
    let wrong = wrong(findings).len();
    json!({ "ok": wrong == 0, "wrong": wrong, "findings": findings.iter().map(one).collect::<Value>() })
}

pub(super) fn as_text(out: &Output, findings: &[Finding]) -> String {
    let mut text = String::new();
    for topic in Topic::ALL {
        let mut of_topic = findings.iter().filter(|one| one.topic == topic).peekable();
        if of_topic.peek().is_some() {
            text.push_str(&format!("{}\n", topic.title()));
        }
        for finding in of_topic {
            let (tone, word) = word(finding.verdict);
            // Painted once it is as wide as the others.
            let word = out.painted(tone, &format!("{word:<7}"));
            let said = indented(&finding.says);
            text.push_str(&format!("  {word}  {}\n", said.trim_start()));
            if !finding.mend.is_empty() {
                text.push_str(&format!("{}\n", indented(&format!("-> {}", finding.mend))));
            }
        }
    }
    text.push_str(&summary(out, findings));
    text
}

const fn word(verdict: Verdict) -> (Tone, &'static str) {
    match verdict {
        Verdict::Fine => (Tone::Good, "ok"),
        Verdict::Wrong => (Tone::Bad, "WRONG"),
        Verdict::Doubtful => (Tone::Doubtful, "look"),
        Verdict::Unseen => (Tone::Doubtful, "unseen"),
        Verdict::Told => (Tone::Doubtful, "refused"),
    }
}

fn wrong(findings: &[Finding]) -> Vec<&Finding> {
    let wrong = findings.iter().filter(|one| one.verdict == Verdict::Wrong);
    wrong.collect()
}

fn summary(out: &Output, findings: &[Finding]) -> String {
    let wrong = wrong(findings);
    let Some(first) = wrong.first() else {
        let words = out.painted(Tone::Good, "nothing found that makes logins fail");
        let unseen = findings.iter().any(|one| one.verdict == Verdict::Unseen);
        let but = if unseen {
            ", of what could be looked at"
        } else {
            ""
        };
        let verify = "pam-jwt verify --user ACCOUNT --service SERVICE < token";
        return format!("\n{words}{but}\nwhat a token itself lacks says: {verify}\n");
    };
    let count = match wrong.len() {
        1 => "1 thing makes logins fail".to_owned(),
        many => format!("{many} things make logins fail"),
    };
    let count = out.painted(Tone::Bad, &count);
    let first = indented(&format!("{}\n-> {}", first.says, first.mend));
    format!("\n{count}; mend this first:\n{first}\n")
}

/// Lines of text, broken between words, each with the indent before it.
fn indented(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in visible(text).lines() {
        let mut row = String::new();
        for word in line.split_ascii_whitespace() {
            let length = row.chars().count().saturating_add(word.chars().count());
            if !row.is_empty() && length >= WIDTH {
                lines.push(std::mem::take(&mut row));
            }
            if !row.is_empty() {
                row.push(' ');
            }
            row.push_str(word);
        }
        lines.push(row);
    }
    let lines: Vec<String> = lines.iter().map(|line| format!("{INDENT}{line}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_goes_by_topics_and_ends_with_what_is_first_to_mend() {
        let out = Output::new("pam-jwt", false);
        let findings = [
            Topic::Sshd.wrong("UsePAM is no.", "Set it."),
            Topic::Pam.fine("tokens are taken by sshd"),
            Topic::Files.wrong("A\u{1b}[2J", "'chmod go-w A'"),
        ];
        // The order of topics is that of the caller.
        let shown = as_text(&out, &findings);
        let expected = "Owners and modes of files\n  WRONG    A\\u{1b}[2J\n           -> 'chmod go-w A'\n\
            PAM lines\n  ok       tokens are taken by sshd\n\
            sshd\n  WRONG    UsePAM is no.\n           -> Set it.\n\
            \n2 things make logins fail; mend this first:\n           UsePAM is no.\n           -> Set it.\n";
        assert_eq!(shown, expected);
        let json = as_json(&findings);
        assert_eq!((&json["ok"], &json["wrong"]), (&json!(false), &json!(2)));
        assert_eq!(json["findings"][1]["verdict"], "ok");
        let fine = as_text(&out, &findings[1..2]);
        assert!(
            fine.contains("\nnothing found that makes logins fail\n"),
            "{fine}"
        );
    }

    #[test]
    fn lines_are_broken_between_words() {
        let text = "word ".repeat(40) + "\n" + &"x".repeat(100);
        let shown = indented(&text);
        assert!(shown.lines().all(|line| line.starts_with(INDENT)));
        let longest = shown.lines().map(str::len).filter(|length| *length < 100);
        assert!(longest.max() <= Some(INDENT.len() + WIDTH));
        assert_eq!(shown.split_whitespace().count(), 41);
    }
}

//! What holds for all documents: each is played by a test, a command in the middle of a sentence
//! is one that is played, and links lead somewhere.

use super::document::{Step, steps};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The tests that play documents.
const TESTS: [&str; 6] = [
    include_str!("bastion.rs"),
    include_str!("ci_jobs.rs"),
    include_str!("cluster.rs"),
    include_str!("fleet.rs"),
    include_str!("one_machine.rs"),
    include_str!("reference.rs"),
];

/// Commands that other tests play, each with the file in tests/hosts where that is, and a part
/// of it as it stands there.
const ELSEWHERE: [(&str, &str, &str); 6] = [
    (
        "PGPASSWORD=$(cat token) psql",
        "postgresql.rs",
        "\"PGPASSWORD\"",
    ),
    (
        "fold -w 500 ~/token",
        "plain_ssh.rs",
        "`fold -w 500 ~/token`",
    ),
    (
        "pam-jwt issue alice --bind id_ed25519.pub",
        "manual/main.rs",
        "id_ed25519",
    ),
    ("su -", "su.rs", "su-l"),
    ("sudo -A", "sudo_askpass.rs", "\"-A\""),
    ("sudo -i", "sudo.rs", "\"-i\""),
];

/// What nobody plays, and why.
const UNPLAYED: [(&str, &str); 4] = [
    ("passwd -l", "what it does not do is told"),
    ("ssh -G", "jwt-ssh runs it"),
    ("ssh -J", "what it does not do is told"),
    (
        "systemctl edit pam-jwt-authserver.socket",
        "it starts an editor",
    ),
];

/// What a command begins with.
const PROGRAMS: [&str; 23] = [
    "PGPASSWORD=$(cat",
    "SUDO_ASKPASS=/usr/bin/jwt-ssh-askpass",
    "apt",
    "curl",
    "fold",
    "gh",
    "git",
    "journalctl",
    "jwt-ssh",
    "make",
    "pam-auth-update",
    "pam-jwt",
    "pam-jwt-authserver",
    "pam-jwt-fetch",
    "passwd",
    "rsync",
    "scp",
    "sftp",
    "ssh",
    "su",
    "sudo",
    "systemctl",
    "usermod",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// README.md and all documents, by their paths.
fn documents() -> Vec<(PathBuf, String)> {
    let directory = root().join("packaging/doc");
    let entries = fs::read_dir(directory).expect("the documents");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    paths.push(root().join("README.md"));
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a document");
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

/// All that is typed in a document.
fn typed(text: &str) -> Vec<String> {
    let steps = steps(text).unwrap_or_else(|reason| panic!("{reason}"));
    let typed = steps.into_iter().filter_map(|step| match step {
        Step::Typed(turn) => Some(turn.typed),
        _ => None,
    });
    typed.collect()
}

/// What stands in backquotes in the sentences of a document.
fn spans(text: &str) -> Vec<String> {
    let mut prose = String::new();
    let mut is_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
            prose.push('\n');
        } else if !is_code {
            prose.push_str(line.trim());
            prose.push(if line.is_empty() { '\n' } else { ' ' });
        }
    }
    let spans = prose
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    spans.map(str::to_owned).collect()
}

#[test]
fn every_document_is_played() {
    let all = documents();
    let readme = |path: &Path| path.ends_with("README.md");
    let others = all.iter().filter(|(path, _)| !readme(path));
    let others: BTreeSet<String> = others.flat_map(|(_, text)| typed(text)).collect();
    for (path, text) in all {
        let name = path.file_name().expect("a name").to_string_lossy();
        // What README.md has of them stands in the documents too.
        if readme(&path) {
            let unplayed: Vec<String> = typed(&text)
                .into_iter()
                .filter(|typed| !others.contains(typed))
                .collect();
            assert!(unplayed.is_empty(), "{unplayed:#?}");
            continue;
        }
        let page = format!("page!(\"{name}\")");
        let is_played = TESTS.iter().any(|test| test.contains(&page));
        assert!(
            is_played || typed(&text).is_empty(),
            "{name}: no test plays it"
        );
    }
}

#[test]
fn a_command_in_a_sentence_is_played_too() {
    let documents = documents();
    let played: BTreeSet<String> = documents.iter().flat_map(|(_, text)| typed(text)).collect();
    let mut unplayed = BTreeSet::new();
    for (path, text) in &documents {
        for span in spans(text) {
            let program = span.split(' ').next().unwrap_or_default();
            let is_command = PROGRAMS.contains(&program) && span.contains(' ');
            let is_command = is_command && !is_synopsis(&span);
            let elsewhere = ELSEWHERE.iter().map(|(command, _, _)| *command);
            let mut known = elsewhere.chain(UNPLAYED.iter().map(|(command, _)| *command));
            let is_known = known.any(|command| command == span);
            if is_command && !is_known && !played.iter().any(|typed| typed.contains(&span)) {
                unplayed.insert(format!("{}: {span}", path.display()));
            }
        }
    }
    assert!(unplayed.is_empty(), "{unplayed:#?}");
    for (command, file, part) in ELSEWHERE {
        let path = root().join("tests/hosts").join(file);
        let test = fs::read_to_string(path).expect("the test");
        assert!(test.contains(part), "{command}: not in {file}");
    }
}

/// Whether it only names a command of ours, or says how one is written: `pam-jwt jws inspect`,
/// `jwt-ssh status HOST`.
fn is_synopsis(span: &str) -> bool {
    let ours = ["make ", "pam-jwt", "jwt-ssh"]
        .iter()
        .any(|name| span.starts_with(name));
    let is_name = |word: &str| word == "<" || word.starts_with(|c: char| c.is_ascii_lowercase());
    let is_placeholder = |word: &str| {
        let mut parts = word.split(|c: char| !c.is_ascii_uppercase());
        word.contains(['[', '…']) || !word.contains('=') && parts.any(|part| part.len() > 1)
    };
    ours && span.split(' ').all(is_name) || span.split(' ').any(is_placeholder)
}

#[test]
fn links_lead_somewhere() {
    let anchor = |heading: &str| -> String {
        let kept = heading.to_lowercase();
        let kept = kept
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    let mut followed = 0;
    for (path, text) in documents() {
        for link in text.split("](").skip(1) {
            let (link, _) = link.split_once(')').expect("the link's end");
            if link.contains("://") {
                continue;
            }
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => path.parent().expect("a directory").join(file),
            };
            let place = format!("{}: {link}", path.display());
            assert!(target.exists(), "{place}");
            if !fragment.is_empty() {
                let target = fs::read_to_string(target).expect("a text");
                let headings = target.lines().filter_map(|line| line.strip_prefix('#'));
                let mut anchors = headings.map(|line| anchor(line.trim_start_matches('#').trim()));
                assert!(anchors.any(|anchor| anchor == fragment), "{place}");
            }
            followed += 1;
        }
    }
    assert!(followed > 20, "{followed}");
}

/// GitHub shows longer lines in code with a bar to scroll.
#[test]
fn lines_have_at_most_100_characters() {
    for (path, text) in documents() {
        let mut is_map = false;
        for line in text.lines().filter(|line| !line.starts_with('|')) {
            is_map = if is_map {
                line != "```"
            } else {
                line == "```text"
            };
            if is_map {
                continue;
            }
            assert!(line.chars().count() <= 100, "{}: {line}", path.display());
        }
    }
}

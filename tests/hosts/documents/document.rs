//! A document as what is to be done: what is typed where, and what stands in which file.
//!
//! All code of a document is in fences. A `console` fence is a transcript: a prompt says whose
//! shell it is on which host, as bash itself does, and whatever follows is what was printed.
//!
//! ````markdown
//! ```console
//! alice@laptop:~$ jwt-ssh web1 id -un
//! alice
//! ```
//! ````
//!
//! Lines that begin with `> ` go on with the command, `…` stands for whatever is there. Any other
//! fence is a file, and its first line is a comment that says where: `# web1:/etc/motd`; or, where
//! no host stands before it, a file of somebody else's, such as a workflow. What says no place is
//! an extract: of settings (`toml`), of lines of other files or of what is shown (`text`), or a
//! script that another test takes from the document (`sh`).

use std::iter::Peekable;

/// How the script and the command begin that the test `plain_ssh` takes from its document.
const SCRIPT: [&str; 2] = [
    "#!/bin/sh",
    "SSH_ASKPASS=./askpass SSH_ASKPASS_REQUIRE=force \\",
];

/// What begins a command.
const COMMANDS: [&str; 9] = [
    "apt",
    "jwt-ssh",
    "pam-jwt",
    "pam-jwt-authserver",
    "pam-jwt-fetch",
    "rsync",
    "ssh",
    "sudo",
    "systemctl",
];

/// What a document has its reader do.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Something is typed.
    Typed(Turn),
    /// A file is written.
    File {
        /// On which host, if it is on one of the document's.
        host: Option<String>,
        path: String,
        text: String,
    },
}

/// A command, and what the document shows of its output.
#[derive(Debug, PartialEq, Eq)]
pub struct Turn {
    /// Where in the document.
    pub line: usize,
    /// Whose shell: `alice@laptop`.
    pub shell: String,
    pub typed: String,
    pub shown: Vec<String>,
    /// Whose shell the next command of the same fence is typed in.
    pub next: Option<String>,
}

/// The steps of a document.
///
/// # Errors
///
/// Where there is code that is no step, with the line.
pub fn steps(text: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut lines = (1..).zip(text.lines()).peekable();
    let mut above = "";
    while let Some((number, line)) = lines.next() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            let fence = fence(&mut lines);
            match language {
                "console" => steps.extend(transcript(number, &fence)?),
                "sh" | "text" => extract(number, &fence)?,
                "toml" if !says_place(&fence) => {
                    let text = fence.join("\n");
                    let parsed = toml::from_str::<toml::Table>(&text);
                    parsed.map_err(|error| format!("line {number}: {error}"))?;
                }
                _ => steps.push(file(number, &fence)?),
            }
        } else if line.starts_with("    ") && above.is_empty() {
            return Err(format!("line {number}: code that is in no fence: {line}"));
        }
        above = line;
    }
    Ok(steps)
}

/// The lines up to the end of the fence.
fn fence<'a>(lines: &mut Peekable<impl Iterator<Item = (usize, &'a str)>>) -> Vec<&'a str> {
    let lines = lines.map(|(_, line)| line);
    lines.take_while(|line| line.trim() != "```").collect()
}

fn transcript(fence_line: usize, fence: &[&str]) -> Result<Vec<Step>, String> {
    let mut turns: Vec<Turn> = Vec::new();
    for (line, text) in (fence_line + 1..).zip(fence) {
        if let Some((shell, typed)) = prompt(text) {
            if let Some(turn) = turns.last_mut() {
                turn.next = Some(shell.to_owned());
            }
            turns.push(Turn {
                line,
                shell: shell.to_owned(),
                typed: typed.to_owned(),
                shown: Vec::new(),
                next: None,
            });
            continue;
        }
        let Some(turn) = turns.last_mut() else {
            return Err(format!(
                "line {line}: a fence of `console` has a prompt first"
            ));
        };
        match text.strip_prefix("> ").filter(|_| turn.shown.is_empty()) {
            Some(more) => turn.typed = format!("{}\n{more}", turn.typed),
            None => turn.shown.push((*text).to_owned()),
        }
    }
    Ok(turns.into_iter().map(Step::Typed).collect())
}

/// Whose prompt a line begins with, and what is typed there.
pub fn prompt(line: &str) -> Option<(&str, &str)> {
    let (shell, rest) = line.split_once(":~")?;
    let (account, host) = shell.split_once('@')?;
    let is_name = |name: &str| {
        let mut bytes = name.bytes();
        !name.is_empty() && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let sign = if account == "root" { '#' } else { '$' };
    let typed = rest.strip_prefix(sign)?;
    (is_name(account) && is_name(host)).then_some((shell, typed.trim()))
}

/// Whether the first line says where all of them stand.
fn says_place(fence: &[&str]) -> bool {
    let place = fence.first().and_then(|line| line.strip_prefix("# "));
    place.is_some_and(|place| !place.contains(' '))
}

/// What is only shown has no command in it, unless it is the script of [`SCRIPT`].
fn extract(number: usize, fence: &[&str]) -> Result<(), String> {
    let is_script = fence.iter().any(|line| SCRIPT.contains(line));
    let command = fence.iter().find(|line| {
        let first = line.split_whitespace().next().unwrap_or_default();
        COMMANDS.contains(&first) || line.starts_with("$ ")
    });
    match command.filter(|_| !is_script) {
        Some(line) => Err(format!(
            "line {number}: a command that nobody plays: {line}"
        )),
        None => Ok(()),
    }
}

fn file(fence_line: usize, fence: &[&str]) -> Result<Step, String> {
    let first = fence.first().copied().unwrap_or_default();
    let place = first
        .strip_prefix("# ")
        .filter(|place| !place.contains(' '));
    let place = place.ok_or(format!(
        "line {fence_line}: the first line of a file says where it is: # host:/path"
    ))?;
    let (host, path) = match place.split_once(":/") {
        Some((host, path)) => (Some(host.to_owned()), format!("/{path}")),
        None => (None, place.to_owned()),
    };
    let text: String = fence.iter().map(|line| format!("{line}\n")).collect();
    Ok(Step::File { host, path, text })
}

/// Whether the lines that a document shows are among those that were printed, in this order.
pub fn shows(shown: &[String], printed: &str) -> Result<(), String> {
    // ssh begins its question at the start of the line.
    let clean = |line: &'_ str| line.trim_end().trim_start_matches('\r').to_owned();
    let mut lines = printed.lines().map(clean);
    for pattern in shown.iter().map(|line| line.trim_end()) {
        if !pattern.is_empty() && pattern != "…" && !lines.any(|line| fits(pattern, &line)) {
            return Err(pattern.to_owned());
        }
    }
    Ok(())
}

/// Whether a line is what `pattern` says, with anything where that has `…`.
fn fits(pattern: &str, line: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('…') else {
        return pattern == line;
    };
    let Some(line) = line.strip_prefix(start) else {
        return false;
    };
    let mut tails = line.char_indices().map(|(at, _)| line.split_at(at).1);
    rest.is_empty() || tails.any(|tail| fits(rest, tail))
}

#[test]
fn a_document_is_read_as_its_reader_reads_it() {
    let text = "Text, and `code` in it.\n\n```console\nalice@laptop:~$ cat <<end | \\\n> wc\n> end\n\
        (x) token:\nroot@web1:~# id\n…\n```\n\n```toml\n# web1:/etc/x.toml\na = 1\n```\n\n```yaml\n# .x.yml\n```\n";
    let typed = |line, shell: &str, typed: &str, shown: &[&str], next: Option<&str>| {
        Step::Typed(Turn {
            line,
            shell: shell.to_owned(),
            typed: typed.to_owned(),
            shown: shown.iter().map(|line| (*line).to_owned()).collect(),
            next: next.map(str::to_owned),
        })
    };
    let file = |host: Option<&str>, path: &str, text: &str| Step::File {
        host: host.map(str::to_owned),
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let expected = [
        typed(
            4,
            "alice@laptop",
            "cat <<end | \\\nwc\nend",
            &["(x) token:"],
            Some("root@web1"),
        ),
        typed(8, "root@web1", "id", &["…"], None),
        file(Some("web1"), "/etc/x.toml", "# web1:/etc/x.toml\na = 1\n"),
        file(None, ".x.yml", "# .x.yml\n"),
    ];
    assert_eq!(steps(text), Ok(expected.into()));
    // What nobody would play.
    for text in [
        "x\n\n    pam-jwt init\n",
        "```sh\npam-jwt init\n```\n",
        "```console\ninit\n```\n",
    ] {
        let _ = steps(text).expect_err(text);
    }
}

#[test]
fn what_is_shown_was_printed_in_this_order() {
    let shows = |shown: &[&str], printed| {
        let shown: Vec<String> = shown.iter().map(|line| (*line).to_owned()).collect();
        super::document::shows(&shown, printed).is_ok()
    };
    let printed = "one 1 x\r\ntwo\r\nthree\r\n";
    for shown in [&["one … x", "three"][..], &["…", "two"], &["…1…"], &[]] {
        assert!(shows(shown, printed), "{shown:?}");
    }
    for shown in [
        &["two", "one 1 x"][..],
        &["one … y"],
        &["one"],
        &["tw"],
        &["…4…"],
    ] {
        assert!(!shows(shown, printed), "{shown:?}");
    }
}

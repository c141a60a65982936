//! `pam-jwt.toml`.

use super::issue::issue;
use super::parse::{strings, unspanned};
use super::table::Notes;
use super::{Fault, Global, Source};
use crate::duration;
use jose::compact::MAX_BYTES;

/// # Errors
/// Every fault.
pub(super) fn global(source: Source<'_>) -> Result<Global, Vec<Fault>> {
    let notes = Notes::of(source);
    let built = read(&notes);
    notes.unless_faulty(built)
}

fn read(notes: &Notes<'_>) -> Option<Global> {
    let mut table = notes.root()?;
    let mut global = Global::default();
    if let Some(host) = table.text("audience_host") {
        if host.get_ref().is_empty() {
            notes.at(host.span(), "audience_host is empty; leave it out instead");
        }
        global.audience_host = Some(host.into_inner());
    }
    if let Some(leeway) = table.text("leeway") {
        match duration::parse(leeway.get_ref()).filter(|seconds| *seconds <= 300) {
            Some(seconds) => global.leeway = seconds,
            None => notes.at(
                leeway.span(),
                "leeway is a time of at most 5m, such as \"30s\"",
            ),
        }
    }
    if let Some(min_uid) = table.number("min_uid") {
        if *min_uid.get_ref() == 0 {
            notes.at(
                min_uid.span(),
                "min_uid is at least 1: root needs its own rule",
            );
        }
        global.min_uid = min_uid.into_inner();
    }
    if let Some(prompt) = table.text("prompt") {
        if let Err(message) = check_prompt(prompt.get_ref()) {
            notes.at(prompt.span(), message);
        }
        global.prompt = prompt.into_inner();
    }
    if let Some(bytes) = table.number("max_token_bytes") {
        // Fewer would refuse ordinary tokens.
        let fits = usize::try_from(*bytes.get_ref());
        match fits.ok().filter(|bytes| (1000..=MAX_BYTES).contains(bytes)) {
            Some(bytes) => global.max_token_bytes = bytes,
            None => {
                let message = format!("max_token_bytes is at least 1000 and at most {MAX_BYTES}");
                notes.at(bytes.span(), message);
            }
        }
    }
    if let Some(services) = table.texts("end_with_token") {
        strings(notes, "end_with_token", "\"sshd\"", &services);
        global.end_with_token = unspanned(services);
    }
    if let Some(program) = table.text("fetch_program") {
        if !program.get_ref().starts_with('/') {
            let message = "fetch_program is an absolute path, such as \"/usr/sbin/pam-jwt-fetch\"";
            notes.at(program.span(), message);
        }
        global.fetch_program = Some(program.into_inner());
    }
    global.issue = table
        .table("issue")
        .and_then(|table| issue(table, global.min_uid));
    table.finish();
    Some(global)
}

/// What answers prompts by itself looks at their ends, and older versions of sshd write what
/// was said before in front of them: in no place may it find a prompt that is none.
fn check_prompt(text: &str) -> Result<(), &'static str> {
    // Debug escapes what does not print, and three characters that do.
    let prints = |c: char| matches!(c, '"' | '\'' | '\\') || c.escape_debug().count() == 1;
    if text.len() > 100 || !text.chars().all(prints) {
        return Err("prompt is one line of at most 100 bytes, printable characters alone");
    }
    if text.contains("token[") || text.contains("token: ") {
        return Err("prompt must not look like a prompt itself; \"token: \" is put behind it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checklist: A.22
    #[test]
    fn global_settings_have_defaults_and_bounds() {
        let parse = |text: &str| {
            global(Source {
                file: "pam-jwt.toml",
                text,
            })
        };
        assert_eq!(parse("").unwrap(), Global::default());
        let text = "audience_host = \"db1\"\nleeway = \"5m\"\nmin_uid = 500\n\
                prompt = \"Passwort für 'x' oder \"\nmax_token_bytes = 1000\n\
                end_with_token = [\"sshd\"]\nfetch_program = \"/x\"";
        let set = parse(text).unwrap();
        assert_eq!(
            set,
            Global {
                audience_host: Some("db1".into()),
                leeway: 300,
                min_uid: 500,
                prompt: "Passwort für 'x' oder ".into(),
                max_token_bytes: 1000,
                end_with_token: vec!["sshd".into()],
                issue: None,
                fetch_program: Some("/x".into()),
            }
        );
        assert_eq!(parse("prompt = \"\"").unwrap().prompt, "");
        let longest = "prompt = '".to_owned() + &"x".repeat(100);
        assert!(parse(&format!("{longest}'")).is_ok());
        assert!(parse(&format!("{longest}x'")).is_err());
        for bad in [
            "leeway = \"301s\"",
            "leeway = 30",
            "min_uid = 0",
            "min_uid = -1",
            "audience_host = \"\"",
            "prompt = 5",
            "prompt = \"a\\nb\"",
            "prompt = \"\\u001b[2J\"",
            "prompt = \"\\u202e\"",
            "prompt = \"token[500]: \"",
            "prompt = \"token: \"",
            "max_token_bytes = 999",
            "max_token_bytes = 65537",
            "max_token_bytes = -1",
            "max_token_bytes = \"64k\"",
            "end_with_token = true",
            "end_with_token = []",
            "end_with_token = [\"\"]",
            "fetch_program = \"pam-jwt-fetch\"",
            "fetch_program = 1",
            "x = 1",
            "[issue]\nkey = 1",
            "leeway",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}

//! Manual pages, completions and the examples of --help: all of them from the
//! definitions of the command line, as they were installed.

use machine::{Machine, Output, tell};
use std::collections::BTreeSet;

const PAGES: &str = "/usr/share/man/man8";

fn installed() -> Machine {
    let machine = Machine::boot();
    machine.install();
    machine
}

fn help(machine: &Machine, subcommand: &[String]) -> String {
    let command = machine.command(["pam-jwt"]).args(subcommand).arg("--help");
    command.run().expect_success().stdout
}

/// The lines of a section of --help.
fn section<'a>(help: &'a str, heading: &str) -> Vec<&'a str> {
    help.lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with(' '))
        .filter(|line| !line.is_empty())
        .collect()
}

/// Every subcommand with the words that lead to it, the command itself first.
fn subcommands(machine: &Machine) -> Vec<Vec<String>> {
    let mut found = vec![Vec::new()];
    let mut at = 0;
    while let Some(above) = found.get(at).cloned() {
        for line in section(&help(machine, &above), "Commands:") {
            // What is indented further continues the line above.
            let name = line[2..].split(' ').next().expect("a name");
            if !name.is_empty() && name != "help" {
                found.push([above.as_slice(), &[name.to_owned()]].concat());
            }
        }
        at += 1;
    }
    found
}

fn page_of(subcommand: &[String]) -> String {
    let mut name = vec!["pam-jwt".to_owned()];
    name.extend_from_slice(subcommand);
    format!("{}.8", name.join("-"))
}

#[test]
fn every_subcommand_has_a_page_with_every_option_of_its_help() {
    let machine = installed();
    let subcommands = subcommands(&machine);
    assert!(subcommands.len() >= 12, "{subcommands:?}");
    let listed = machine.run(["ls", PAGES]).expect_success().stdout;
    let listed: BTreeSet<String> = listed
        .lines()
        .filter(|page| page.starts_with("pam-jwt"))
        .map(str::to_owned)
        .collect();
    let wanted: BTreeSet<String> = subcommands.iter().map(|words| page_of(words)).collect();
    assert_eq!(listed, wanted);

    let mut compared = 0;
    for subcommand in &subcommands {
        let name = page_of(subcommand);
        let path = format!("{PAGES}/{name}");
        let page = machine.read(&path).replace("\\-", "-");
        for heading in [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "OPTIONS",
            "\"EXIT STATUS\"",
            "EXAMPLES",
            "\"SEE ALSO\"",
        ] {
            let heading = format!("\n.SH {heading}\n");
            assert!(page.contains(&heading), "{name} lacks {heading:?}:\n{page}");
        }
        let help = help(&machine, subcommand);
        for line in section(&help, "Options:") {
            let option = line.trim_start();
            // A value that is explained has a dash too, and a space behind it.
            if !option.starts_with('-') || option.starts_with("- ") {
                continue;
            }
            let names = option.split(['<', '[']).next().expect("a name");
            let names = names.split("  ").next().expect("a name").trim();
            let entry = format!(
                "\n.TP\n{}",
                names
                    .split(", ")
                    .map(|name| format!("\\fB{name}\\fR"))
                    .collect::<Vec<_>>()
                    .join(", ")
            );
            assert!(page.contains(&entry), "{name} lacks {names}:\n{page}");
            compared += 1;
        }
        for line in section(&help, "Examples:") {
            assert!(page.contains(line.trim()), "{name} lacks {line}");
        }

        // groff, as man runs it, has nothing to say about the page.
        let groff = machine
            .run(["groff", "-man", "-Tutf8", "-ww", "-z", &path])
            .expect_success();
        assert_eq!(groff.stderr, "", "{name}");
    }
    tell(&format!("{} pages, {compared} options", subcommands.len()));
}

#[test]
fn the_examples_of_help_do_what_they_say() {
    let machine = installed();
    for account in ["alice", "deploy"] {
        machine.account(account);
    }
    let play = |script: &str| -> Output {
        machine
            .run([
                "bash",
                "-e",
                "-o",
                "pipefail",
                "-c",
                &format!("cd /root; {script}"),
            ])
            .expect_success()
    };
    let mut played = 0;
    for subcommand in subcommands(&machine) {
        let help = help(&machine, &subcommand);
        let examples = section(&help, "Examples:");
        assert!(!examples.is_empty(), "no examples:\n{help}");
        let examples = examples.iter().map(|line| line.trim());
        for example in examples.filter(|line| !line.starts_with('#')) {
            if example.starts_with("pam-jwt init") {
                // Which is for a machine that has not been set up.
                let _ = play("rm -rf /etc/pam-jwt");
            }
            let _ = play(example);
            if example.starts_with("pam-jwt init") {
                let _ = play("pam-jwt issue alice > token");
            }
            played += 1;
        }
    }
    tell(&format!("{played} examples"));
}

#[test]
fn bash_completes_subcommands_and_options() {
    let machine = installed();
    let mut bash = machine
        .command(["bash", "--noprofile", "--norc", "-i"])
        .env("TERM", "dumb")
        .terminal();
    // Typed at the prompt, not ahead of it: only there a tab completes.
    let mut type_line = |line: &str, then: &[&str]| {
        bash.expect("bash-").send_line(line);
        for text in then {
            bash.expect(text);
        }
    };
    type_line(
        "source /usr/share/bash-completion/completions/pam-jwt; complete -p pam-jwt",
        &["\ncomplete ", " pam-jwt"],
    );
    type_line("pam-jwt keyg\t--help", &["Usage: pam-jwt keygen "]);
    type_line("pam-jwt jws ver\t--help", &["Usage: pam-jwt jws verify "]);
    type_line(
        "pam-jwt issue --lif\t1h --help",
        &["--lifetime 1h", "Usage: pam-jwt issue "],
    );
    // Where several fit, they are offered; ^U takes the line away again.
    type_line("pam-jwt key\t\t\x15", &["keygen", "keys"]);
    type_line("exit", &[]);
    let _ = bash.wait();
}

#[test]
fn what_is_installed_is_uninstalled() {
    let machine = installed();
    let files = || {
        let found = machine.run([
            "find",
            "/usr",
            "/etc/pam.d",
            "-name",
            "*pam[-_]jwt*",
            "-print",
        ]);
        found.expect_success().stdout
    };
    for path in [
        "/usr/share/bash-completion/completions/pam-jwt",
        "/usr/share/zsh/vendor-completions/_pam-jwt",
        "/usr/share/fish/vendor_completions.d/pam-jwt.fish",
    ] {
        let first = machine.read(path).lines().next().map(str::to_owned);
        assert!(first.is_some_and(|line| !line.is_empty()), "{path}");
        assert_eq!(machine.run(["stat", "-c", "%a", path]).stdout, "644\n");
    }
    assert!(files().contains("pam_jwt.so"), "{}", files());
    machine.uninstall();
    assert_eq!(files(), "");
}

//! The pages: each says what --help does, reads well, and refers to none that is not there.

use super::{DOCUMENTED, Documented, help, installed, section, subcommands};
use machine::{Machine, tell};
use std::collections::{BTreeMap, BTreeSet};

/// What is of no command.
const OTHERS: [&str; 5] = [
    "pam_jwt.8",
    "pam-jwt.toml.5",
    "pam-jwt-issuer.5",
    "pam-jwt-authserver.toml.5",
    "jwt-ssh-askpass.1",
];

/// The pages that are installed, by their names: what they are for groff, but for what it wants
/// instead of some characters.
fn pages(machine: &Machine) -> BTreeMap<String, String> {
    let find = "cd /usr/share/man && find . -name '*pam[_-]jwt*' -o -name '*jwt-ssh*'";
    let found = machine.run(["sh", "-c", find]).expect_success().stdout;
    let escapes = [(r"\-", "-"), (r"\(aq", "'"), (r"\(ga", "`"), (r"\(ti", "~")];
    let page = |path: &str| {
        let page = machine.read(&format!("/usr/share/man/{path}"));
        let page = escapes
            .iter()
            .fold(page, |page, (escape, c)| page.replace(escape, c));
        (path.rsplit('/').next().expect("a name").to_owned(), page)
    };
    found.lines().map(page).collect()
}

fn path(name: &str) -> String {
    let section = name.rsplit('.').next().expect("a section");
    format!("/usr/share/man/man{section}/{name}")
}

#[test]
fn every_subcommand_has_a_page_with_every_option_of_its_help() {
    let machine = installed();
    let pages = pages(&machine);
    let mut known: BTreeSet<String> = OTHERS.map(str::to_owned).into();
    for command in DOCUMENTED {
        known.extend(compare(&machine, &command, &pages));
    }
    assert_eq!(pages.keys().cloned().collect::<BTreeSet<_>>(), known);
    for (name, page) in &pages {
        reads_well(&machine, name);
        refers_to_pages(name, page, &pages);
    }
    tell(&format!("{} pages", pages.len()));
}

/// Holds the pages of a command against its --help, and says which they are.
fn compare(
    machine: &Machine,
    command: &Documented,
    pages: &BTreeMap<String, String>,
) -> Vec<String> {
    let subcommands = subcommands(machine, command);
    assert!(subcommands.len() >= command.pages, "{subcommands:?}");
    let mut compared = 0;
    let mut names = Vec::new();
    for subcommand in &subcommands {
        let name = [&[command.name.to_owned()], subcommand.as_slice()].concat();
        let name = format!("{}.{}", name.join("-"), command.section);
        let page = pages.get(&name).unwrap_or_else(|| panic!("no {name}"));
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
            let found = page.matches(&heading).count();
            assert_eq!(found, 1, "{name} has {found} {heading:?}:\n{page}");
        }
        let help = help(machine, command, subcommand);
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
        if let Some(width) = command.width {
            for line in formatted(machine, &name).lines() {
                assert!(line.chars().count() <= width, "{name}: {line}");
            }
        }
        // A link of rustdoc's is for whoever reads the source.
        assert!(!page.contains("[`"), "{name}:\n{page}");
        names.push(name);
    }
    tell(&format!("{}: {compared} options", command.name));
    names
}

/// A page as man shows it, about which groff has nothing to say.
fn formatted(machine: &Machine, name: &str) -> String {
    let groff = ["groff", "-man", "-Tutf8", "-ww", "-P-cbou", "-rLL=78n"];
    let groff = machine.command(groff).arg(path(name)).run();
    let groff = groff.expect_success();
    assert_eq!(groff.stderr, "", "{name}");
    groff.stdout
}

/// Nor has mandoc. It has of its style: that lines of the source are long and sentences begin
/// within them, since they are not written by hand.
fn reads_well(machine: &Machine, name: &str) {
    let lint = machine.command(["mandoc", "-T", "lint", "-W", "warning"]);
    let lint = lint.arg(path(name)).run().expect_success();
    assert_eq!(lint.stdout + &lint.stderr, "");
    let shown = formatted(machine, name);
    for line in shown.lines().filter(|line| !line.starts_with(' ')) {
        assert!(line.len() <= 80, "{name} has the heading\n{line}");
    }
    // What marks a text for the page has become what it stands for.
    assert!(
        !shown.contains("**") && !shown.contains("{reasons}"),
        "{shown}"
    );
}

/// Pages of ours that it refers to are there, and are not of another section.
fn refers_to_pages(name: &str, page: &str, pages: &BTreeMap<String, String>) {
    let mut found = 0;
    for (before, after) in page.match_indices("\\fR(").map(|(at, _)| page.split_at(at)) {
        let other = before.rsplit("\\fB").next().expect("a name");
        let section = after.split(['(', ')']).nth(1).expect("a section");
        if other.contains("jwt") && section.parse::<u8>().is_ok() {
            let other = format!("{other}.{section}");
            assert!(pages.contains_key(&other), "{name} refers to {other}");
            found += 1;
        }
    }
    assert!(found > 0, "{name} refers to no page");
}

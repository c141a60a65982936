//! authselect's profile pam-jwt. authselect itself is in no Debian: what it makes of the profile's
//! files is made here (authselect-profiles(5)), and given to a real sshd with the lines that
//! Fedora's /etc/pam.d/sshd has around it.

use crate::place::{checkout, says};
use machine::{ISSUER, Machine};
use std::collections::BTreeSet;

const SSHD: &str = "\
auth       substack     password-auth
auth       include      postlogin
account    required     pam_nologin.so
account    include      password-auth
password   include      password-auth
session    required     pam_loginuid.so
session    include      password-auth
session    include      postlogin
";

const SUDO: &str = "\
auth       include      system-auth
account    include      system-auth
password   include      system-auth
session    include      system-auth
";

fn template(file: &str) -> String {
    let file = checkout().join("packaging/rpm/authselect").join(file);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Whether `"FEATURE"` or `not "FEATURE"` holds.
fn holds(condition: &str, features: &BTreeSet<&str>) -> bool {
    let (wanted, name) = match condition.trim().strip_prefix("not ") {
        Some(name) => (false, name),
        None => (true, condition.trim()),
    };
    let name = name
        .trim()
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'));
    let name = name.unwrap_or_else(|| panic!("no feature: {condition}"));
    features.contains(name) == wanted
}

/// A template's text with these features: `{include if "FEATURE"}` is about its line,
/// `{if "FEATURE":TEXT|OTHER}` about its place.
fn rendered(template: &str, features: &BTreeSet<&str>) -> String {
    let mut text = String::new();
    'lines: for line in template.lines() {
        let mut written = String::new();
        let mut rest = line;
        while let Some((before, operator)) = rest.split_once('{') {
            let (operator, after) = operator.split_once('}').expect("an operator ends");
            written += before;
            rest = after;
            if let Some(condition) = operator.strip_prefix("include if ") {
                if !holds(condition, features) {
                    continue 'lines;
                }
            } else if let Some(choice) = operator.strip_prefix("if ") {
                let (condition, texts) = choice.split_once(':').expect("a text");
                let (then, otherwise) = texts.split_once('|').unwrap_or((texts, ""));
                written += if holds(condition, features) {
                    then
                } else {
                    otherwise
                };
            } else {
                panic!("unknown operator: {operator}");
            }
        }
        text += (written + rest).trim_end();
        text.push('\n');
    }
    text
}

/// Has the machine's services go by the profile with these features.
fn select(machine: &Machine, features: &BTreeSet<&str>) {
    for file in ["system-auth", "password-auth", "postlogin"] {
        let text = rendered(&template(file), features);
        machine.write(&format!("/etc/pam.d/{file}"), text, 0o644);
    }
    let settings = format!(
        "[issue]\nissuer = \"{ISSUER}\"\naudience = [\"ssh://b\"]\nservices = [\"sshd\"]\n\
         key = \"/etc/pam-jwt/private/local.jwk\"\n"
    );
    let issues = features.contains("with-jwt-issue");
    let settings = if issues { settings } else { String::new() };
    machine.write("/etc/pam-jwt/pam-jwt.toml", settings, 0o644);
    machine.write("/etc/pam.d/sshd", SSHD, 0o644);
    machine.write("/etc/pam.d/sudo", SUDO, 0o644);
}

fn machine() -> Machine {
    let machine = Machine::boot();
    machine.install();
    let _ = machine
        .run(["pam-jwt", "init", "--issuer", ISSUER])
        .expect_success();
    machine.account("alice");
    machine.password("alice", "secret");
    machine
}

#[test]
fn each_feature_is_said_in_its_readme() {
    let files = [
        "system-auth",
        "password-auth",
        "postlogin",
        "nsswitch.conf",
        "REQUIREMENTS",
    ];
    let texts = files.map(template).concat();
    let used: BTreeSet<&str> = texts
        .split('"')
        .filter(|word| word.starts_with("with"))
        .collect();
    let readme = template("README");
    let said: BTreeSet<&str> = readme
        .lines()
        .filter_map(|line| line.strip_suffix("::"))
        .collect();
    assert_eq!(used, said);
    assert!(!readme.lines().next().unwrap_or_default().is_empty());
    // sshd and sudo are asked the same things.
    assert_eq!(template("system-auth"), template("password-auth"));
    let unknown = says("cat packaging/rpm/authselect/* | grep -oE '\\{[a-z]+ ' | sort -u");
    assert_eq!(unknown, "{if \n{include \n");
}

/// Without its own features the profile has nothing to do with us.
#[test]
fn without_its_features_nothing_names_the_module() {
    let features = BTreeSet::from(["with-sssd", "with-faillock", "with-mkhomedir"]);
    for file in ["system-auth", "password-auth", "postlogin"] {
        assert!(
            !rendered(&template(file), &features).contains("pam_jwt"),
            "{file}"
        );
    }
}

/// By what `pam-jwt check` knows of libpam: no combination lets anybody in, or nobody.
#[test]
fn check_finds_nothing_wrong_with_any_combination() {
    let machine = machine();
    let others = [
        "with-jwt-issue",
        "with-sssd",
        "with-faillock",
        "without-nullok",
    ];
    for chosen in 0..1_u32 << others.len() {
        let mut features = BTreeSet::from(["with-jwt"]);
        features.extend(
            others
                .iter()
                .enumerate()
                .filter(|(at, _)| chosen & (1 << at) != 0)
                .map(|(_, feature)| feature),
        );
        select(&machine, &features);
        let found = machine.run(["pam-jwt", "check"]).expect_success();
        let said = &found.stdout;
        assert!(
            said.contains("nothing is wrong; tokens are taken by ")
                && said.contains(" sshd, sudo")
                && !said.contains("service sshd:"),
            "{features:?}\n{found}"
        );
    }
}

#[test]
fn a_token_and_a_password_get_in_and_nothing_else() {
    let machine = machine();
    for features in [
        vec![],
        vec!["with-jwt"],
        vec![
            "with-jwt",
            "with-jwt-issue",
            "with-faillock",
            "without-nullok",
        ],
    ] {
        let features = BTreeSet::from_iter(features);
        select(&machine, &features);
        let _sshd = machine.sshd(&["PasswordAuthentication no"]);
        let login = |secret: &str| {
            let ssh = machine.ssh("alice").answers([secret]);
            ssh.command("id -un; echo ${BEARER_TOKEN_FILE:+a token}")
        };
        let issued = features.contains("with-jwt-issue");
        let in_by_password = if issued {
            "alice\na token\n"
        } else {
            "alice\n\n"
        };
        let password = login("secret");
        assert_eq!(password.stdout, in_by_password, "{features:?} {password}");
        let token = machine.token(["alice"]);
        let by_token = login(&token);
        let in_by_token = features.contains("with-jwt");
        assert_eq!(
            by_token.stdout.starts_with("alice\n"),
            in_by_token,
            "{features:?} {by_token}"
        );
        let wrong = login("wrong");
        assert_eq!(
            (wrong.code(), &*wrong.stdout),
            (Some(255), ""),
            "{features:?} {wrong}"
        );
        let forged = format!("{token}A");
        let forged = login(&forged);
        assert_eq!(
            (forged.code(), &*forged.stdout),
            (Some(255), ""),
            "{features:?} {forged}"
        );
        let _ = machine.run(["rm", "-rf", "/run/faillock", "/var/run/faillock"]);
    }
}

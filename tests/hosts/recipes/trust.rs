//! `pam-jwt trust` itself: what it writes, and when it does not.

use super::machine;
use machine::{Machine, Output};
use serde_json::Value;

const GITLAB: [&str; 2] = ["project_id=278964", "account=deploy"];

fn trust(machine: &Machine, arguments: &[&str], set: &[&str]) -> Output {
    let command = machine.command(["pam-jwt", "trust"]).args(arguments);
    command
        .args(set.iter().flat_map(|value| ["--set", value]))
        .run()
}

fn files(machine: &Machine) -> String {
    let list = "cd /etc/pam-jwt && find . ! -type d -printf '%P %m %u\n' | sort";
    machine.run(["sh", "-c", list]).stdout
}

#[test]
fn a_file_is_written_once_and_as_a_whole() {
    let machine = machine();
    let written = trust(&machine, &["gitlab"], &GITLAB).expect_success();
    for told in [
        "Wrote /etc/pam-jwt/issuers.d/gitlab.toml.",
        "systemctl enable --now pam-jwt-fetch.timer",
        "pam-jwt check",
    ] {
        assert!(written.stdout.contains(told), "{written}");
    }
    // The settings were made too, for there were none; and nothing is left over.
    let all = "issuers.d/gitlab.toml 644 root\npam-jwt.toml 644 root\n";
    assert_eq!(files(&machine), all);
    let file = "/etc/pam-jwt/issuers.d/gitlab.toml";
    let text = machine.read(file);
    assert!(
        text.contains("\nissuer = \"https://gitlab.com\"\n"),
        "{text}"
    );
    assert!(!text.contains("#:") && !text.contains('<'), "{text}");

    let again = trust(&machine, &["gitlab"], &GITLAB).expect_code(2);
    assert!(again.stderr.contains("is there already"), "{again}");
    assert_eq!(machine.read(file), text);
    let other = ["project_id=1", "account=deploy"];
    let replaced = trust(&machine, &["gitlab", "--force"], &other);
    let _ = replaced.expect_success();
    assert!(machine.read(file).contains("project_id = \"1\""));
    assert_eq!(files(&machine), all);

    // Two files about one issuer.
    let twice = trust(&machine, &["gitlab", "--name", "second"], &GITLAB).expect_code(2);
    let told = "names the issuer \"https://gitlab.com\" too";
    assert!(twice.stderr.contains(told), "{twice}");
    let own = ["issuer=https://git.example.org", GITLAB[0], GITLAB[1]];
    let second = trust(&machine, &["--json", "gitlab", "--name", "second"], &own);
    let second: Value = serde_json::from_str(&second.expect_success().stdout).expect("JSON");
    assert_eq!(second["file"], "/etc/pam-jwt/issuers.d/second.toml");
    assert_eq!(second["issuer"], "https://git.example.org");

    // Keys that are not there would refuse every token of every issuer.
    let host = [
        "issuer=https://db1",
        "keys=/etc/pam-jwt/keys/db1.jwk",
        "accounts=alice",
    ];
    let before = files(&machine);
    let keyless = trust(&machine, &["pam-jwt-host"], &host).expect_code(2);
    assert!(
        keyless.stderr.contains("/etc/pam-jwt/keys/db1.jwk"),
        "{keyless}"
    );
    assert_eq!(files(&machine), before);
}

#[test]
fn what_is_wrong_is_told_before_anything_is_written() {
    let machine = machine();
    let check = |arguments: &[&str], set: &[&str], told: &[&str]| {
        let output = trust(&machine, arguments, set).expect_code(2);
        for told in told {
            assert!(output.stderr.contains(told), "{told}: {output}");
        }
        assert_eq!(files(&machine), "", "{output}");
    };
    check(
        &["spiffe"],
        &["path=ssh"],
        &["--set trust_domain='example.org'", "--set bundle='https://"],
    );
    let bundle = "bundle=https://b.example.org/";
    check(
        &["spiffe"],
        &["trust_domain=Example.org", "path=ssh", bundle],
        &["a trust domain is a name"],
    );
    check(
        &["spiffe"],
        &["trust_domain=example.org", "path=a//b", bundle],
        &["strip_prefix begins with"],
    );
    check(
        &["spiffe"],
        &[
            "trust_domain=example.org",
            "path=ssh",
            "bundle=http://b.example.org/",
        ],
        &["spiffe.toml:", "jwks_uri is an https URL", "^^^"],
    );
    check(
        &["gitlab"],
        &["project=1"],
        &["only issuer, project_id, account, services"],
    );
    check(&["gitlab", "--name", "../x"], &GITLAB, &["it is letters"]);
    check(
        &["gitlab", "--force", "--print"],
        &GITLAB,
        &["cannot be used with"],
    );
    check(&["gitea"], &[], &["possible values: keycloak"]);
    check(
        &["--config", "here", "gitlab"],
        &GITLAB,
        &["is not an absolute path"],
    );
    // What is printed is what would be written, by anybody.
    let print = machine
        .command(["pam-jwt", "trust", "gitlab", "--print"])
        .user("alice");
    let print = print
        .args(GITLAB.iter().flat_map(|value| ["--set", value]))
        .run();
    let printed = print.expect_success().stdout;
    assert_eq!(files(&machine), "");
    let unprivileged = machine
        .command(["pam-jwt", "trust", "gitlab"])
        .user("alice");
    let set = GITLAB.iter().flat_map(|value| ["--set", value]);
    let unprivileged = unprivileged.args(set).run().expect_code(2);
    assert!(
        unprivileged.stderr.contains("run this as root"),
        "{unprivileged}"
    );
    let _ = trust(&machine, &["gitlab"], &GITLAB).expect_success();
    assert_eq!(machine.read("/etc/pam-jwt/issuers.d/gitlab.toml"), printed);
}

/// A value is a text, whatever is in it: the file has the one rule that the recipe has.
#[test]
fn a_value_is_a_text_and_no_toml() {
    let machine = machine();
    let hostile = "x\" }\n[[allow]]\naccount = \"root\"\nservices = [\"sshd\"]\n#";
    let project = format!("project_id={hostile}");
    let _ = trust(&machine, &["gitlab"], &[&project, "account=deploy"]).expect_success();
    let text = machine.read("/etc/pam-jwt/issuers.d/gitlab.toml");
    let file: toml::Table = text.parse().expect("TOML");
    let rules = file["allow"].as_array().expect("a list");
    assert_eq!(rules.len(), 1, "{text}");
    assert_eq!(rules[0]["claims"]["project_id"].as_str(), Some(hostile));
    // An account that nobody can have does not even come that far.
    let account = format!("account={hostile}");
    let bad = trust(
        &machine,
        &["gitlab", "--force"],
        &["project_id=1", &account],
    )
    .expect_code(2);
    assert!(
        bad.stderr.contains("account is a name, or one placeholder"),
        "{bad}"
    );
    assert_eq!(machine.read("/etc/pam-jwt/issuers.d/gitlab.toml"), text);
}

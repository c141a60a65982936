//! Configuration that loads, and configuration that must not.

use super::super::{Account, Config, Counts, Global, KeyFile, Method, Strip};
use super::*;
use crate::claim_path::ClaimPath;
use jose::Algorithm;

const GOOD: &str = r#"
issuer   = "https://login.example.org"
audience = ["ssh://{hostname}"]
keys     = ["/etc/pam-jwt/keys/example.jwks", { file = "/k/b.pem", alg = "RS256", kid = "b" }]

[[allow]]
account  = "{preferred_username}"
services = ["sshd", "login"]
claims   = { groups = "ops", level = 3, admin = false }

[[allow]]
account  = "deploy"
services = ["sshd"]
"#;

fn issuer_of(text: &str) -> Result<Issuer, Vec<Fault>> {
    issuer(Source {
        file: "x.toml",
        text,
    })
}

fn fault_of(text: &str) -> String {
    issuer_of(text)
        .expect_err("a fault")
        .iter()
        .map(Fault::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

fn edited(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replacen(from, to, 1)
}

fn path(text: &str) -> ClaimPath {
    ClaimPath::parse(text).unwrap()
}

#[test]
fn what_is_optional_is_read() {
    let text = edited(
        "keys     =",
        "typ = [\"JWT\", \"none\"]\nmax_lifetime = \"12h\"\nkeys     =",
    );
    let text = text.replacen("\"ops\"", "[\"ops\", 7]", 1);
    let text = text.replacen(
        "\"{preferred_username}\"",
        "\"{/a/b}\"\nstrip_suffix = \"@x\"\nmax_age = \"10m\"",
        1,
    );
    let issuer = issuer_of(&text).unwrap();
    assert_eq!(issuer.max_lifetime, Some(43_200));
    assert!(issuer.types.accept(None) && issuer.types.accept(Some("jwt")));
    assert!(!issuer.types.accept(Some("at+jwt")) && !issuer.types.accept(Some("none")));
    let rule = &issuer.allow[0];
    assert_eq!(rule.max_age, Some(600));
    assert_eq!(
        rule.account,
        Account::Claim {
            path: path("/a/b"),
            strip: Some(Strip::Suffix("@x".into()))
        }
    );
    assert_eq!(
        rule.claims[1],
        (path("groups"), vec!["ops".into(), 7.into()])
    );
    let plain = issuer_of(GOOD).unwrap();
    assert_eq!((plain.max_lifetime, plain.allow[0].max_age), (None, None));
}

#[test]
fn a_trust_file_is_read() {
    let issuer = issuer_of(GOOD).unwrap();
    assert_eq!(
        issuer.keys[1],
        KeyFile {
            file: "/k/b.pem".into(),
            alg: Some(Algorithm::Rs256),
            kid: Some("b".into()),
            key_use: jose::KeyUse::Signature
        }
    );
    assert_eq!(issuer.allow.len(), 2);
    assert_eq!(issuer.allow[0].line, 6);
    assert_eq!(
        issuer.allow[0].account,
        Account::Claim {
            path: path("preferred_username"),
            strip: None
        }
    );
    assert_eq!(
        issuer.allow[0].claims,
        [
            (path("admin"), vec![false.into()]),
            (path("groups"), vec!["ops".into()]),
            (path("level"), vec![3.into()])
        ]
    );
    assert_eq!(issuer.allow[1].account, Account::Named("deploy".into()));
}

#[test]
fn an_unknown_key_is_shown_where_it_stands() {
    let fault = fault_of(&edited(
        "services = [\"sshd\", \"login\"]",
        "servces = [\"sshd\"]",
    ));
    assert!(
        fault.starts_with("x.toml:8:1: unknown field `servces`"),
        "{fault}"
    );
    assert!(
        fault.contains("\n    servces = [\"sshd\"]\n    ^^^^^^^\n"),
        "{fault}"
    );
    // What it was meant for comes after it.
    assert!(fault.contains("missing field `services`"), "{fault}");
}

#[test]
fn keys_are_in_files_or_fetched() {
    let with = |line: &str| {
        let text = edited("keys     =", "# keys =");
        issuer_of(&format!("{line}\n{text}"))
    };
    let fetch = with("jwks_uri = 'https://a/jwks'").unwrap().fetch.unwrap();
    assert_eq!(fetch.jwks_uri.as_deref(), Some("https://a/jwks"));
    assert_eq!(
        (fetch.max_key_age, fetch.on_unknown_kid),
        (3 * 86_400, false)
    );
    let fetch = with("discover = true\nmax_key_age = '1h'\nrefresh_on_unknown_kid = true");
    let fetch = fetch.unwrap().fetch.unwrap();
    assert_eq!(
        (fetch.jwks_uri, fetch.max_key_age, fetch.on_unknown_kid),
        (None, 3_600, true)
    );
    for (line, words) in [
        ("", "keys is missing"),
        ("discover = false", "keys is missing"),
        ("discover = true\nkeys = ['/k']", "not both"),
        (
            "discover = true\njwks_uri = 'https://a/'",
            "nothing to discover",
        ),
        ("jwks_uri = 'http://a/'", "https URL"),
        (
            "discover = true\nmax_key_age = '0s'",
            "max_key_age is a time",
        ),
        ("max_key_age = '1h'\nkeys = ['/k']", "keys that are fetched"),
        (
            "refresh_on_unknown_kid = true\nkeys = ['/k']",
            "keys that are fetched",
        ),
        ("keys = ['/k']\nstatus_lists = []", "status_lists is empty"),
        ("keys = ['/k']\nstatus_lists = ['ftp://a']", "https URL"),
    ] {
        let faults = with(line).unwrap_err();
        assert!(
            faults.iter().any(|fault| fault.message.contains(words)),
            "{line}: {faults:?}"
        );
    }
}

#[test]
fn an_issuer_is_asked_as_its_tables_say() {
    let with = |table: &str| issuer_of(&format!("{GOOD}\n{table}"));
    let device = with("[device]\nclient_id = 'c'").unwrap().device.unwrap();
    assert_eq!(device.token, Counts::Access);
    let device = with(
        "[device]\nclient_id='c'\nscope='openid'\nresource='ssh://{hostname}'\ntoken='id_token'",
    );
    let device = device.unwrap().device.unwrap();
    assert_eq!(
        (device.token, device.resource.as_deref()),
        (Counts::Id, Some("ssh://{hostname}"))
    );
    let asked = "[introspection]\nclient_id='c'\nclient_secret_file='/s'\n";
    assert!(with(&format!("{asked}prefix='glpat-'")).is_ok());
    assert!(with(&format!("{asked}length=43")).is_ok());
    for (table, words) in [
        ("[device]", "missing field `client_id`"),
        ("[device]\nclient_id='c'\ntoken='x'", "token is"),
        ("[device]\nclient_id='c'\nresource='{x}'", "{hostname}"),
        (
            "[device]\nclient_id='c'\nclient_secret_file='x'",
            "absolute path",
        ),
        (
            "[introspection]\nclient_id='c'\nprefix='glpat-'",
            "missing field `client_secret_file`",
        ),
        (
            "[introspection]\nclient_id='c'\nclient_secret_file='/s'",
            "told from passwords",
        ),
        (
            "[introspection]\nclient_id='c'\nclient_secret_file='/s'\nprefix='abc'",
            "told from passwords",
        ),
        (
            "[introspection]\nclient_id='c'\nclient_secret_file='/s'\nlength=39",
            "told from passwords",
        ),
    ] {
        let faults = with(table).unwrap_err();
        assert!(
            faults.iter().any(|fault| fault.message.contains(words)),
            "{table}: {faults:?}"
        );
    }
}

#[test]
fn combinations_that_make_no_sense_are_refused() {
    for (from, to, words) in [
        (
            "\"{preferred_username}\"",
            "\"x-{sub}\"",
            "one placeholder alone",
        ),
        (
            "\"{preferred_username}\"",
            "\"{sub}@x\"",
            "one placeholder alone",
        ),
        (
            "\"{preferred_username}\"",
            "\"{}\"",
            "one placeholder alone",
        ),
        (
            "\"{preferred_username}\"",
            "\"{a}{b}\"",
            "one placeholder alone",
        ),
        ("\"deploy\"", "\"\"", "account is a name"),
        ("\"deploy\"", "\"-x\"", "no account can have"),
        ("\"deploy\"", "\"../a\"", "no account can have"),
        ("\"deploy\"", "\"{/a~b}\"", "~ is written ~0"),
        ("groups = \"ops\"", "\"/a~\" = 1", "~ is written ~0"),
        ("groups = \"ops\"", "\"\" = 1", "a claim has a name"),
        ("\"ops\"", "[]", "the list is empty"),
        (
            "groups = \"ops\"",
            "realm_access.roles = \"ops\"",
            "write its JSON Pointer",
        ),
        (
            "services = [\"sshd\"]",
            "services = \"sshd\"",
            "write it as a list, in [ ]",
        ),
        ("\"ops\"", "[[\"ops\"]]", "any of a list of them"),
        (
            "\"deploy\"",
            "\"deploy\"\nstrip_suffix = \"@x\"",
            "for an account that is a placeholder",
        ),
        (
            "\"{preferred_username}\"",
            "\"{sub}\"\nstrip_suffix = \".org\"",
            "begins with @",
        ),
        (
            "\"{preferred_username}\"",
            "\"{sub}\"\nstrip_suffix = \"@\"",
            "begins with @",
        ),
        (
            "\"deploy\"",
            "\"deploy\"\nmax_age = \"0s\"",
            "max_age is a time such as",
        ),
        (
            "keys     =",
            "max_lifetime = \"1 day\"\nkeys     =",
            "max_lifetime is a time such as",
        ),
        ("keys     =", "typ = []\nkeys     =", "typ is a token type"),
        (
            "keys     =",
            "typ = [\"\"]\nkeys     =",
            "typ is a token type",
        ),
        ("keys     =", "typ = [5]\nkeys     =", "typ is a token type"),
        (
            "keys     =",
            "typ = true\nkeys     =",
            "typ is a token type",
        ),
        (
            "\"deploy\"",
            "\"deploy\"\none_time = true",
            "one_time takes a max_age",
        ),
        (
            "\"deploy\"",
            "\"deploy\"\none_time = 1",
            "expected a boolean",
        ),
        (
            "\"deploy\"",
            "\"deploy\"\nbound = \"yes\"",
            "expected a boolean",
        ),
        (
            "\"deploy\"",
            "\"deploy\"\nmax_auth_age = 600",
            "expected a string",
        ),
        (
            "\"deploy\"",
            "\"deploy\"\nmax_auth_age = \"0m\"",
            "max_auth_age is a time such as",
        ),
        (
            "\"deploy\"",
            "\"deploy\"\nacr = 2",
            "acr is a text or a list",
        ),
        (
            "\"deploy\"",
            "\"deploy\"\nacr = []",
            "acr is a text or a list",
        ),
        (
            "\"deploy\"",
            "\"deploy\"\namr = [\"otp\", \"\"]",
            "amr is a text or a list",
        ),
        (
            "keys     =",
            "status = \"required\"\nkeys     =",
            "status is \"require\" or \"if-present\"",
        ),
        ("[\"sshd\"]", "[]", "services is empty"),
        ("[\"sshd\"]", "[\"\"]", "an entry of services is empty"),
        ("[\"ssh://{hostname}\"]", "[]", "audience is empty"),
        (
            "[\"ssh://{hostname}\"]",
            "[\"ssh://{host}\"]",
            "only placeholder",
        ),
        (
            "[\"ssh://{hostname}\"]",
            "\"ssh://{hostname}\"",
            "invalid type: string",
        ),
        ("\"https://login.example.org\"", "\"\"", "issuer is empty"),
        (
            "\"https://login.example.org\"",
            "5",
            "invalid type: integer",
        ),
        (
            "\"/etc/pam-jwt/keys/example.jwks\"",
            "\"example.jwks\"",
            "absolute path",
        ),
        ("\"RS256\"", "\"none\"", "not supported"),
        ("kid = \"b\"", "kdi = \"b\"", "unknown field `kdi`"),
        ("\"ops\"", "1.5", "a string, an integer or a boolean"),
        ("account  = \"deploy\"\n", "", "missing field `account`"),
        ("services = [\"sshd\"]\n", "", "missing field `services`"),
        (
            "[[allow]]\naccount  = \"deploy\"",
            "[allow]\naccount  = \"deploy\"",
            "",
        ),
    ] {
        let fault = fault_of(&edited(from, to));
        assert!(fault.contains(words), "{to}: {fault}");
    }
    let without_keys: String = GOOD
        .lines()
        .filter(|line| !line.starts_with("keys"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(fault_of(&without_keys).contains("keys is missing"));
}

#[test]
fn every_fault_is_reported_at_once() {
    let text = edited("\"deploy\"", "\"\"").replacen("\"RS256\"", "\"XS\"", 1);
    assert_eq!(issuer_of(&text).unwrap_err().len(), 2);
}

#[test]
fn the_examples_load() {
    let global = Source {
        file: "pam-jwt.toml",
        text: include_str!("../../../conf/pam-jwt.toml"),
    };
    let issuer = Source {
        file: "example.toml",
        text: include_str!("../../../conf/issuers.d/example.toml"),
    };
    let config = Config::parse(global, &[issuer]).whole().unwrap();
    assert_eq!(config.global, Global::default());
    let rules = &config.issuers[0].allow;
    assert_eq!(rules.len(), 6);
    assert_eq!(rules[3].max_auth_age, Some(900));
    assert_eq!(rules[3].amr, ["otp", "hwk"]);
    assert!(rules[4].one_time && rules[5].bound);
    // What the comments offer loads too.
    let offered = |text: &str| {
        text.lines()
            .map(|line| {
                line.strip_prefix("# ")
                    .filter(|line| {
                        line.contains(" = ")
                            || ["[issue]", "[device]", "[introspection]"].contains(line)
                    })
                    .unwrap_or(line)
                    .to_owned()
                    + "\n"
            })
            .collect::<String>()
    };
    let global_text = offered(global.text);
    let source = Source {
        text: &global_text,
        ..global
    };
    let global = Global::parse(source).unwrap();
    assert_eq!(global.end_with_token, ["sshd"]);
    let issue = global.issue.unwrap();
    let claims: Vec<&str> = issue.claims.iter().map(|(name, _)| &**name).collect();
    assert_eq!(claims, ["scope", "sun", "wlcg.ver"]);
    // What is offered as a default is one.
    let methods = [Method::Password, Method::Token, Method::None];
    assert_eq!((issue.lifetime, &issue.methods[..]), (28_800, &methods[..]));
    // Of `keys` there is an offer and the line that it stands for, and two ways to fetch them.
    let without = |left_out: &[&str]| -> String {
        let name = |line: &str| {
            line.trim_start_matches("# ")
                .split(" = ")
                .next()
                .map(str::to_owned)
        };
        let is_kept = |line: &&str| name(line).is_none_or(|name| !left_out.contains(&&*name));
        let kept: Vec<&str> = issuer.text.lines().filter(is_kept).collect();
        offered(&kept.join("\n"))
    };
    for other in ["discover", "jwks_uri"] {
        let fetching = issuer_of(&without(&["keys", other])).unwrap();
        let fetch = fetching.fetch.unwrap();
        assert_eq!(fetch.jwks_uri.is_some(), other == "discover");
        assert!(fetch.on_unknown_kid && fetch.max_key_age == 259_200);
        assert!(
            fetching
                .introspection
                .is_some_and(|how| how.length == Some(26))
        );
    }
    let fetching = [
        "discover",
        "jwks_uri",
        "max_key_age",
        "refresh_on_unknown_kid",
    ];
    let issuer_text = without(&fetching).replacen("\nkeys = ", "\n# ", 1);
    let issuer = issuer_of(&issuer_text).unwrap();
    assert_eq!(issuer.max_lifetime, Some(43_200));
    let device = issuer.device.unwrap();
    assert!(device.qr && device.token == Counts::Access);
}

#[test]
fn two_files_for_one_issuer_are_an_error() {
    let one = Source {
        file: "a.toml",
        text: GOOD,
    };
    let two = Source {
        file: "b.toml",
        text: GOOD,
    };
    let faults = Config::parse(EMPTY, &[one, two]).whole().unwrap_err();
    assert_eq!(faults.len(), 1);
    assert!(
        faults[0]
            .to_string()
            .starts_with("b.toml: a.toml names the issuer")
    );
    assert!(Config::parse(EMPTY, &[one]).whole().is_ok());
}

#[test]
fn a_fault_in_one_file_hides_none_in_another() {
    let bad = Source {
        file: "a.toml",
        text: "x = 1",
    };
    let good = Source {
        file: "b.toml",
        text: GOOD,
    };
    let global = Source {
        file: "pam-jwt.toml",
        text: "y = 1",
    };
    let parsed = Config::parse(global, &[bad, good]);
    let in_file = |file| parsed.faults.iter().filter(move |fault| fault.file == file);
    assert!(in_file("a.toml").count() > 0 && in_file("pam-jwt.toml").count() == 1);
    assert_eq!(parsed.readable.issuers.len(), 1);
    assert!(parsed.whole().is_err());
}

const EMPTY: Source<'_> = Source {
    file: "pam-jwt.toml",
    text: "",
};

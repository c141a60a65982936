//! The local list of revocations: what `pam-jwt revoke` says is heeded by the next login, and
//! goes when no token that it is about could be accepted any more.

use machine::{ISSUER, Machine, Output};
use serde_json::Value;

const LIST: &str = "/var/lib/pam-jwt/revoked";
const HOST: &str = env!("CARGO_BIN_EXE_pam-host");

/// Beside the machine's own issuer, with the same key.
const OTHER: &str = "https://other.example.org";

/// A machine with two issuers and a stack of pam_jwt alone.
fn machine() -> Machine {
    let machine = Machine::ready();
    let local = "/etc/pam-jwt/issuers.d/local.toml";
    let other = machine.read(local).replace(ISSUER, OTHER);
    machine.write("/etc/pam-jwt/issuers.d/other.toml", other, 0o644);
    machine.write("/etc/pam.alone/sshd", "auth required pam_jwt.so\n", 0o644);
    machine
}

/// A token of alice's, by `issuer`.
fn token(machine: &Machine, issuer: &str) -> String {
    let audience = ["--audience", "ssh://machine"];
    machine.token(["alice", "--issuer", issuer].into_iter().chain(audience))
}

/// A claim or header parameter of a token.
fn member(machine: &Machine, token: &str, part: &str, name: &str) -> String {
    let inspect = machine.command(["pam-jwt", "--json", "jws", "inspect"]);
    let inspect = inspect.stdin(token).run().expect_success();
    let value = &json(&inspect)[part][name];
    value.as_str().map_or(value.to_string(), str::to_owned)
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{output}"))
}

/// `pam-jwt revoke` for tokens of the machine's own issuer.
fn revoke(machine: &Machine, args: &[&str]) -> Output {
    let revoke = machine.command(["pam-jwt", "revoke", "--issuer", ISSUER]);
    revoke.args(args).run()
}

/// Through libpam, which is quicker than through sshd.
fn login(machine: &Machine, token: &str) -> bool {
    let host = machine.command([HOST, "sshd", "alice", "/etc/pam.alone"]);
    let output = host.stdin(token).run().expect_success();
    let outcome = |code: &str| output.stdout.contains(&format!("authenticate {code}\n"));
    assert!(
        outcome("PAM_SUCCESS") != outcome("PAM_AUTH_ERR"),
        "{output}"
    );
    outcome("PAM_SUCCESS")
}

fn refused(machine: &Machine, token: &str, detail: &str) {
    let mark = machine.mark();
    assert!(!login(machine, token), "{detail}");
    let line = machine.wait_for_log(mark, "result=refused reason=revoked ");
    assert!(line.message.contains(detail), "{}", line.message);
}

/// What `pam-jwt revocations` lists, by kind and value.
fn listed(machine: &Machine) -> Vec<String> {
    let list = machine.run(["pam-jwt", "--json", "revocations"]);
    let list = json(&list.expect_success());
    let entries = list["revocations"].as_array().expect("a list").iter();
    let text = |entry: &Value, name: &str| entry[name].as_str().expect("text").to_owned();
    entries
        .map(|entry| format!("{} {}", text(entry, "kind"), text(entry, "value")))
        .collect()
}

#[test]
fn the_next_login_heeds_each_selector_and_undo_lifts_it() {
    let machine = machine();
    let _sshd = machine.sshd(&[]);
    let [own, other] = [ISSUER, OTHER].map(|issuer| token(&machine, issuer));
    let jti = member(&machine, &own, "payload", "jti");
    let kid = member(&machine, &own, "header", "kid");
    let ssh = |token: &str| {
        // Of what a server says ssh is silent below that.
        let ssh = machine.ssh("alice").option("LogLevel=INFO");
        ssh.answers([token]).command("id -un")
    };
    let forged = format!("{}AAAA", &own[..own.len() - 4]);
    let ordinary = ssh(&forged);
    let selectors = [
        ["--jti", &jti],
        ["--sub", "alice"],
        ["--kid", &kid],
        ["--issued-before", "now"],
    ];
    for [name, value] in selectors {
        let first = ssh(&own);
        assert_eq!(
            (first.code(), &*first.stdout),
            (Some(0), "alice\n"),
            "{first}"
        );
        let _ = revoke(&machine, &[name, value]).expect_success();
        let second = ssh(&own);
        assert_eq!(second.code(), Some(255), "{name}: {second}");
        // What the user sees is what any refused token's user sees.
        assert_eq!(second.prompts, ordinary.prompts);
        assert_eq!(second.stderr, ordinary.stderr);
        let line = |login: &machine::Login| {
            let line = login
                .log
                .iter()
                .find(|line| line.message.contains("pam_jwt(sshd:auth)"));
            line.unwrap_or_else(|| panic!("{login}")).message.clone()
        };
        let logged = line(&second);
        let by = if name == "--issued-before" {
            "iss"
        } else {
            &name[2..]
        };
        assert!(
            logged.contains("result=refused reason=revoked account=alice"),
            "{logged}"
        );
        assert!(logged.contains(&format!("detail=\"{by} ")), "{logged}");
        // verify says the same, and to whom the list is not there to be changed as well.
        let verify = ["pam-jwt", "verify", "--user", "alice", "--service", "sshd"];
        let verify = machine.command(verify).user("alice").stdin(&*own);
        let verified = verify.run().expect_code(1);
        assert!(verified.stdout.contains("REFUSED: revoked"), "{verified}");
        let theirs = ssh(&other);
        assert_eq!(theirs.code(), Some(0), "{name}: {theirs}");
        let undo: &[&str] = match by {
            "iss" => &["--undo"],
            _ => &["--undo", name, value],
        };
        let _ = revoke(&machine, undo).expect_success();
        // There is nothing more to lift.
        let _ = revoke(&machine, undo).expect_code(1);
    }
    // What is said of the one issuer's is not said of the other's, whatever it is called.
    for [name, value] in selectors {
        let revoke = ["pam-jwt", "revoke", "--issuer", OTHER, name, value];
        let _ = machine.run(revoke).expect_success();
    }
    let theirs = ssh(&other);
    assert_eq!(theirs.code(), Some(255), "{theirs}");
    let ours = ssh(&own);
    assert_eq!(ours.code(), Some(0), "{ours}");
}

#[test]
fn a_token_is_revoked_if_it_was_issued_before() {
    let machine = machine();
    machine.set_clock("2040-01-01 12:00:00");
    let early = token(&machine, ISSUER);
    machine.set_clock("2040-01-01 12:00:10");
    let late = token(&machine, ISSUER);
    let kid = member(&machine, &late, "header", "kid");
    let noon: u64 = member(&machine, &early, "payload", "iat")
        .parse()
        .expect("a time");
    for selector in [&["--sub", "alice"][..], &["--kid", &kid], &[]] {
        for (time, detail) in [
            ("2040-01-01T12:00:01Z".to_owned(), noon + 1),
            ("2040-01-01T14:00:10+02:00".to_owned(), noon + 10),
            ((noon + 10).to_string(), noon + 10),
        ] {
            let args = [selector, &["--issued-before", &time]].concat();
            let _ = revoke(&machine, &args).expect_success();
            refused(
                &machine,
                &early,
                &format!("is revoked for tokens with iat before {detail}"),
            );
            assert!(login(&machine, &late));
            let _ = revoke(&machine, &[selector, &["--undo"]].concat()).expect_success();
        }
        // To log out everywhere: what was issued in this very second is meant as well.
        let args = [selector, &["--issued-before", "now"]].concat();
        let _ = revoke(&machine, &args).expect_success();
        refused(&machine, &late, &format!("iat before {}", noon + 11));
        machine.set_clock("2040-01-01 12:00:11");
        assert!(login(&machine, &token(&machine, ISSUER)));
        machine.set_clock("2040-01-01 12:00:10");
        // An earlier time takes nothing back, a later one does more.
        let before = |time: u64| {
            let time = time.to_string();
            revoke(&machine, &[selector, &["--issued-before", &time]].concat()).expect_success()
        };
        let again = before(noon);
        assert!(again.stdout.contains("It was so already."), "{again}");
        refused(&machine, &late, &format!("iat before {}", noon + 11));
        let again = before(noon + 60);
        assert!(again.stdout.contains("what both together say"), "{again}");
        refused(&machine, &late, &format!("iat before {}", noon + 60));
        let _ = revoke(&machine, &[selector, &["--undo"]].concat()).expect_success();
        assert!(login(&machine, &early) && login(&machine, &late));
    }
}

/// The token's own issuer says how long its tokens live; without that, an entry stays.
#[test]
fn an_entry_goes_when_its_tokens_have_ended_and_comes_back_with_the_time() {
    let machine = machine();
    let limit = "sed -i '1a max_lifetime = \"1h\"' /etc/pam-jwt/issuers.d/local.toml";
    let _ = machine.run(["sh", "-c", limit]).expect_success();
    machine.set_clock("2040-01-01 12:00:00");
    let [of_jti, of_sub] = [(); 2].map(|()| token(&machine, ISSUER));
    let jti = member(&machine, &of_jti, "payload", "jti");
    let exp = member(&machine, &of_jti, "payload", "exp");
    let theirs = token(&machine, OTHER);
    let known = revoke(&machine, &["--jti", &jti, "--expires", &exp]).expect_success();
    assert!(
        known
            .stdout
            .contains("The entry ends at 2040-01-01T13:00:30Z."),
        "{known}"
    );
    let before = revoke(&machine, &["--sub", "alice", "--issued-before", "now"]).expect_success();
    assert!(
        before
            .stdout
            .contains("The entry ends at 2040-01-01T13:00:31Z."),
        "{before}"
    );
    let all = revoke(&machine, &["--kid", "nobody"]).expect_success();
    assert!(
        all.stdout.contains("The entry is kept until lifted.\n"),
        "{all}"
    );
    assert!(all.stderr.contains("has the kid \"nobody\" now"), "{all}");
    let unknown = revoke(&machine, &["--jti", "unknown"]).expect_success();
    assert!(
        unknown
            .stdout
            .contains("The entry ends at 2040-01-02T13:00:30Z."),
        "{unknown}"
    );
    let endless = ["--sub", "alice", "--issued-before", "now"];
    let endless = machine
        .command(["pam-jwt", "revoke", "--issuer", OTHER])
        .args(endless);
    let endless = endless.run().expect_success();
    let words = "The entry is kept until lifted: other.toml has no max_lifetime.";
    assert!(endless.stdout.contains(words), "{endless}");

    let entries = || {
        let files = machine.run(["sh", "-c", &format!("ls {LIST} | cut -c-4")]);
        files.expect_success().stdout.replace('\n', "")
    };
    let [named, of_alice] = [format!("jti {jti}"), "sub alice".to_owned()];
    let rest = ["kid nobody", "sub alice"].map(str::to_owned).to_vec();
    let with = |more: &[&str]| {
        let mut all: Vec<String> = more.iter().map(|one| (*one).to_owned()).collect();
        all.extend(rest.clone());
        all.sort();
        all
    };
    let list = || {
        let mut list = listed(&machine);
        list.sort();
        list
    };
    machine.set_clock("2040-01-01 13:00:29");
    assert_eq!(list(), with(&[&named, "jti unknown", &of_alice]));
    machine.set_clock("2040-01-01 13:00:30");
    assert_eq!(list(), with(&["jti unknown", &of_alice]));
    assert_eq!(entries(), "iss-jti-kid-sub-sub-");
    // One that is not root sees the same, and takes nothing away.
    machine.set_clock("2040-01-01 13:00:31");
    let seen = machine
        .command(["pam-jwt", "--json", "revocations"])
        .user("alice");
    let seen = json(&seen.run().expect_success());
    assert_eq!(
        seen["revocations"].as_array().map(Vec::len),
        Some(3),
        "{seen:#}"
    );
    assert_eq!(entries(), "iss-jti-kid-sub-sub-");
    assert_eq!(list(), with(&["jti unknown"]));
    assert_eq!(entries(), "iss-jti-kid-sub-");
    machine.set_clock("2040-01-02 13:00:30");
    assert_eq!(list(), with(&[]));
    assert_eq!(entries(), "iss-kid-sub-");

    // A clock that was ahead has lifted nothing, nor does a longer life.
    machine.set_clock("2040-01-01 12:00:00");
    let issuers = format!("iss {ISSUER}");
    assert_eq!(list(), with(&[&issuers]));
    for token in [&of_jti, &of_sub] {
        refused(&machine, token, "iss ");
    }
    let longer = "sed -i s/1h/90d/ /etc/pam-jwt/issuers.d/local.toml";
    let _ = machine.run(["sh", "-c", longer]).expect_success();
    machine.set_clock("2040-01-02 14:00:00");
    let issue = ["alice", "--issuer", ISSUER, "--audience", "ssh://machine"];
    assert!(login(&machine, &machine.token(issue)));
    machine.set_clock("2040-01-01 12:00:00");
    let long = machine.token(issue.into_iter().chain(["--lifetime", "60d"]));
    machine.set_clock("2040-01-20 12:00:00");
    refused(&machine, &long, "iss ");
    // ... for the other issuer's that stays as it is.
    machine.set_clock("2040-01-01 12:00:00");
    let mark = machine.mark();
    assert!(!login(&machine, &theirs));
    machine.wait_for_log(mark, "reason=revoked account=alice service=sshd rhost=127.0.0.1 issuer=https://other.example.org");
}

#[test]
fn a_token_at_hand_is_revoked_if_it_is_one() {
    let machine = machine();
    let good = token(&machine, ISSUER);
    let jti = member(&machine, &good, "payload", "jti");
    let exp = member(&machine, &good, "payload", "exp");
    let by_token = |token: &str, more: &[&str]| {
        let revoke = machine.command(["pam-jwt", "--json", "revoke", "--token"]);
        revoke.args(more).stdin(token).run()
    };
    let key = [
        "pam-jwt",
        "keygen",
        "--alg",
        "EdDSA",
        "--out",
        "/root/x.jwk",
    ];
    let _ = machine.run(key).expect_success();
    let strange = [
        "alice",
        "--issuer",
        ISSUER,
        "--audience",
        "a",
        "--key",
        "/root/x.jwk",
    ];
    let unknown = token(&machine, "https://unknown");
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    for bad in [&*machine.token(strange), &unknown, &forged, "no token"] {
        let output = by_token(bad, &[]).expect_code(1);
        assert_eq!(json(&output)["revoked"], Value::Null);
    }
    assert!(listed(&machine).is_empty() && login(&machine, &good));
    let revoked = json(&by_token(&good, &["--because", "leaked"]).expect_success());
    let entry = &revoked["revoked"];
    assert_eq!(
        (&entry["value"], &entry["because"]),
        (&jti.into(), &"leaked".into())
    );
    assert_eq!(entry["expires"].to_string(), exp);
    assert_eq!(
        entry["ends"].as_u64(),
        entry["expires"].as_u64().map(|exp| exp + 30)
    );
    refused(&machine, &good, "jti ");
    assert!(login(&machine, &token(&machine, ISSUER)));
    let _ = by_token(&good, &["--undo"]).expect_success();
    assert!(login(&machine, &good));
    // One that has ended needs no entry.
    machine.set_clock("+2h");
    let ended = by_token(&good, &[]).expect_code(1);
    assert!(ended.stdout.contains("can be accepted any more"), "{ended}");
}

/// One id in 64 is such a one, as base64url has it.
#[test]
fn an_id_that_begins_with_a_hyphen_is_an_id() {
    let machine = machine();
    for name in ["--jti", "--sub", "--kid"] {
        let _ = revoke(&machine, &[name, "-y19"]).expect_success();
    }
    assert_eq!(listed(&machine), ["jti -y19", "kid -y19", "sub -y19"]);
    for name in ["--jti", "--sub", "--kid"] {
        let _ = revoke(&machine, &["--undo", name, "-y19"]).expect_success();
    }
    assert!(listed(&machine).is_empty());
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_to_do() {
    let machine = machine();
    let run = |args: &[&str]| machine.command(["pam-jwt", "revoke"]).args(args).run();
    for (args, words) in [
        (
            &["--sub", "alice"][..],
            "say --issuer and one of\n  https://login",
        ),
        (
            &["--issuer", "https://logim.example.org", "--sub", "x"],
            "trusted are\n  https://login",
        ),
        (
            &["--issuer", ISSUER],
            "required arguments were not provided",
        ),
        (&["--undo"], "several issuers are trusted"),
        (&["--sub", "x", "--jti", "y"], "cannot be used with"),
        (
            &["--jti", "x", "--issued-before", "now"],
            "cannot be used with",
        ),
        (&["--sub", "x", "--expires", "now"], "cannot be used with"),
        (
            &["--undo", "--sub", "x", "--issued-before", "now"],
            "cannot be used with",
        ),
        (&["--sub", ""], "a value is required"),
        (
            &["--sub", "x", "--issued-before", "yesterday"],
            "a time is \"now\"",
        ),
        (
            &["--sub", "x", "--issued-before", "1795392000000"],
            "a time is \"now\"",
        ),
    ] {
        let output = run(args).expect_code(2);
        assert!(output.stderr.contains(words), "{words}: {output}");
    }
    let list = machine.run(["pam-jwt", "revocations"]).expect_success();
    assert_eq!(list.stdout, "nothing is revoked\n");
    // Nothing has been made so far, and who is not root makes nothing.
    let nothing = machine.run(["test", "-e", LIST]);
    let _ = nothing.expect_code(1);
    for args in [&["--sub", "x"][..], &["--undo", "--sub", "x"]] {
        let revoke = machine
            .command(["pam-jwt", "revoke", "--issuer", ISSUER])
            .args(args);
        let output = revoke.user("alice").run().expect_code(2);
        assert!(output.stderr.contains("run this as root"), "{output}");
    }
    // A time that has long passed takes no entry, where lives are known.
    let limit = "sed -i '1a max_lifetime = \"1h\"' /etc/pam-jwt/issuers.d/local.toml";
    let _ = machine.run(["sh", "-c", limit]).expect_success();
    let _ = revoke(&machine, &["--jti", "x", "--expires", "1000000000"]).expect_code(1);
    let old = ["--sub", "x", "--issued-before", "2001-01-01T00:00:00Z"];
    let _ = revoke(&machine, &old).expect_code(1);
    assert!(listed(&machine).is_empty());

    let _ = revoke(
        &machine,
        &["--sub", "alice", "--because", "left\n\u{202e}us"],
    )
    .expect_success();
    let table = machine
        .run(["pam-jwt", "revocations"])
        .expect_success()
        .stdout;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(
        lines[0].starts_with("ISSUER") && lines[0].ends_with("BECAUSE"),
        "{table}"
    );
    let row: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!(row[..4], [ISSUER, "sub", "alice", "all"], "{table}");
    assert_eq!(row[5..], ["lifted", "left", "\\u{202e}us"], "{table}");
    // What it says lifts it.
    let again = revoke(&machine, &["--sub", "alice"])
        .expect_success()
        .stdout;
    let lift = again
        .lines()
        .find_map(|line| line.strip_prefix("Lift it with: "));
    let lift = lift.unwrap_or_else(|| panic!("{again}"));
    let _ = machine.run(["sh", "-c", lift]).expect_success();
    assert!(listed(&machine).is_empty());
    // An issuer that is trusted no more may have left an entry.
    let _ = revoke(&machine, &["--sub", "alice"]).expect_success();
    let _ = machine
        .run(["rm", "/etc/pam-jwt/issuers.d/local.toml"])
        .expect_success();
    assert_eq!(listed(&machine), ["sub alice"]);
    let _ = revoke(&machine, &["--undo", "--sub", "alice"]).expect_success();
}

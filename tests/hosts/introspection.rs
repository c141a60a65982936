//! Opaque tokens, about which a login has pam-jwt-fetch ask an issuer that this project did not
//! write (RFC 7662).

use machine::{Machine, Mark, PROVIDER, Provider, SECRET};

/// The issuer's file.
const FILE: &str = "/etc/pam-jwt/issuers.d/provider.toml";

/// The machine, with alice and bob, and the user that fetches.
fn machine() -> Machine {
    let machine = Machine::boot();
    machine.install();
    machine.account("alice");
    machine.account("bob");
    machine.write("/etc/pam-jwt/pam-jwt.toml", "", 0o644);
    let script = "id pam-jwt-fetch 2>/dev/null || useradd --system --user-group pam-jwt-fetch
        install -d -m 755 -o pam-jwt-fetch -g pam-jwt-fetch /var/lib/pam-jwt/fetched";
    let _ = machine.run(["sh", "-ec", script]).expect_success();
    machine
}

/// Trusts the provider, with more in its file.
fn trust(machine: &Machine, tables: &str) {
    let text = format!(
        "issuer = \"{PROVIDER}\"\naudience = [\"ssh://machine\"]\ndiscover = true\n\
         [[allow]]\naccount = \"{{preferred_username}}\"\nservices = [\"sshd\"]\n{tables}\n"
    );
    machine.write(FILE, text, 0o644);
}

/// What the log says of a login as `account`, and what a module behind pam_jwt is given.
fn login(machine: &Machine, account: &str, secret: &str) -> (String, String) {
    let mark = machine.mark();
    let shown = host(machine, account, secret);
    let line = machine.wait_for_log(mark, "pam_jwt(sshd:auth): ").message;
    let (_, line) = line.split_once("reason=").expect("a reason");
    (line.to_owned(), shown)
}

/// The same where nothing is logged.
fn quiet_login(machine: &Machine, account: &str, secret: &str) -> String {
    let mark = machine.mark();
    let shown = host(machine, account, secret);
    assert_eq!(lines(machine, mark), Vec::<String>::new());
    shown
}

fn lines(machine: &Machine, mark: Mark) -> Vec<String> {
    let lines = machine.log_since(mark).into_iter();
    let lines = lines.map(|line| line.message);
    lines.filter(|line| line.contains("pam_jwt")).collect()
}

fn host(machine: &Machine, account: &str, secret: &str) -> String {
    machine.write(
        "/etc/pam.shown/sshd",
        "auth [success=done default=ignore] pam_jwt.so\n\
         auth required pam_exec.so expose_authtok /usr/local/bin/show\nauth required pam_deny.so\n\
         account required pam_permit.so\nsession required pam_permit.so\n",
        0o644,
    );
    machine.write(
        "/usr/local/bin/show",
        "#!/bin/sh\ntr -d '\\0' >/run/shown\n",
        0o755,
    );
    machine.write("/run/shown", "", 0o644);
    let host = [
        env!("CARGO_BIN_EXE_pam-host"),
        "sshd",
        account,
        "/etc/pam.shown",
    ];
    let _ = machine.command(host).stdin(secret).run().expect_success();
    machine.read("/run/shown")
}

const INTROSPECTION: &str = "[introspection]\nclient_id = \"pam-jwt\"\n\
     client_secret_file = \"/etc/pam-jwt/private/provider.secret\"\nlength = 43\n";

fn secret(machine: &Machine, text: &str, mode: u32) {
    machine.write("/etc/pam-jwt/private/provider.secret", text, mode);
}

/// A token that is none, but looks like one.
fn made_up() -> String {
    "0".repeat(43)
}

#[test]
fn an_opaque_token_opens_what_its_issuer_says() {
    let machine = machine();
    secret(&machine, &format!("{SECRET}\n"), 0o600);
    let mut provider = Provider::start(&machine, r#"{ "opaque": true }"#);
    let token = provider.token("alice", "ssh://machine");
    assert!(token.len() == 43 && !token.contains('.'), "{token}");
    trust(&machine, "");
    // It is a password until the file says otherwise.
    assert_eq!(quiet_login(&machine, "alice", &token), token);

    trust(&machine, INTROSPECTION);
    let (line, shown) = login(&machine, "alice", &token);
    let start = format!(
        "allowed account=alice service=sshd rhost=127.0.0.1 issuer={PROVIDER} sub=alice exp="
    );
    assert!(line.starts_with(&start), "{line}");
    assert!(
        line.ends_with(" rule=provider.toml:4") && shown.is_empty(),
        "{line}"
    );
    for (account, audience, expected) in [
        ("bob", "ssh://machine", "account_not_allowed account=bob "),
        ("alice", "ssh://other", "audience_mismatch account=alice "),
    ] {
        let token = provider.token("alice", audience);
        let (line, shown) = login(&machine, account, &token);
        assert!(line.starts_with(expected), "{line}");
        // What opened nothing does not go on to other modules either.
        assert!(shown.len() == 43 && shown.contains("REFUSED"), "{shown:?}");
    }
    let (line, shown) = login(&machine, "alice", &made_up());
    assert!(line.starts_with("token_inactive account=alice "), "{line}");
    assert!(shown.contains("REFUSED"), "{shown:?}");
    let password = "correct horse battery staple";
    assert_eq!(quiet_login(&machine, "alice", password), password);
    // Nobody is asked about a secret that is not so long.
    let before = introspections(&provider);
    quiet_login(&machine, "alice", &"x".repeat(42));
    assert_eq!(introspections(&provider), before);

    accounts_are_alike(&machine, &provider, &token);

    let verify = ["pam-jwt", "verify", "--user=alice", "--service=sshd"];
    let verify = |more: &[&str]| machine.command(verify).args(more).stdin(&*token).run();
    let offline = verify(&[]).expect_code(1);
    assert!(offline.stdout.contains("so does --online"), "{offline}");
    let online = verify(&["--online"]).expect_success();
    assert!(online.stdout.contains("says that it is active"), "{online}");
    fails_closed(&machine, &token);

    trust(&machine, INTROSPECTION);
    provider.stop();
    let (line, _) = login(&machine, "alice", &token);
    assert!(
        line.starts_with("introspection_failed account=alice "),
        "{line}"
    );
}

/// sshd passes on junk for an account that does not exist, and the issuer is asked all the same:
/// about a token that is none.
fn accounts_are_alike(machine: &Machine, provider: &Provider<'_>, token: &str) {
    machine.pam_line("sshd", "auth sufficient pam_jwt.so");
    let _sshd = machine.sshd(&[]);
    for (account, code) in [("alice", 0), ("bob", 255), ("no-such-account", 255)] {
        let before = introspections(provider);
        let login = machine.ssh(account).answers(vec![token.to_owned()]);
        let login = login.kbdint().command("true");
        assert_eq!(login.code(), Some(code), "{login}");
        assert_eq!(introspections(provider), before + 1, "{account}");
    }
}

/// Whatever is wrong with the secret, the file or the helper.
fn fails_closed(machine: &Machine, token: &str) {
    let failed = |words: &str| {
        let (line, shown) = login(machine, "alice", token);
        let start = line.starts_with("introspection_failed account=alice ");
        assert!(start && line.contains(words), "{line}");
        assert!(!line.contains(token) && shown.contains("REFUSED"), "{line}");
    };
    secret(machine, "another\n", 0o600);
    failed("invalid_client");
    secret(machine, SECRET, 0o644);
    failed("others can read it");
    let check = machine.run(["pam-jwt", "check"]).expect_code(1);
    assert!(check.stdout.contains("others can read it"), "{check}");
    secret(machine, SECRET, 0o600);
    let text = machine.read(FILE);
    let other = text.replace(PROVIDER, "https://other.example.org");
    machine.write("/etc/pam-jwt/issuers.d/other.toml", other, 0o644);
    failed("nobody was asked");
    let _ = machine.run(["rm", "/etc/pam-jwt/issuers.d/other.toml"]);
    let helper = "/usr/sbin/pam-jwt-fetch";
    let away = format!("{helper}.away");
    let _ = machine.run(["mv", helper, &away]).expect_success();
    failed(helper);
    for answer in [
        "exit 1",
        "echo rubbish",
        "echo '{\"answer\":\"refreshed\"}'",
        "echo '{\"answer\":\"claims\",\"claims\":\"{}\"}'",
        "exec sleep 60",
    ] {
        machine.write(helper, format!("#!/bin/sh\n{answer}\n"), 0o755);
        failed("");
    }
    let _ = machine.run(["mv", &away, helper]).expect_success();
    let (line, _) = login(machine, "alice", token);
    assert!(line.starts_with("allowed "), "{line}");
}

fn introspections(provider: &Provider<'_>) -> usize {
    provider.asked("POST /token/introspection")
}

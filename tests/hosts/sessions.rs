//! `pam-jwt sessions`, where sessions of real programs open and close.

use base64ct::{Base64UrlUnpadded, Encoding};
use machine::{ISSUER, Machine, Terminal, wait_until};
use serde_json::Value;

/// A machine whose sshd takes alice's tokens, gives her sessions one, and ends them with hers.
fn issuing() -> Machine {
    let machine = Machine::ready();
    let settings = format!(
        "end_with_token = [\"sshd\"]\n[issue]\nissuer = \"{ISSUER}\"\naudience = [\"ssh://b\"]\n\
         services = [\"sshd\"]\nlifetime = \"8h\"\n"
    );
    machine.write("/etc/pam-jwt/pam-jwt.toml", settings, 0o644);
    machine.pam_line("sshd", "session required pam_jwt.so issue");
    machine
}

/// alice's shell, on a terminal of her own, opened by `token`.
fn shell(machine: &Machine, token: &str) -> Terminal {
    let ssh = "ssh -F none -tt -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o PreferredAuthentications=keyboard-interactive alice@127.0.0.1 \
        'echo ready; read line'";
    let mut shell = machine.command(["sh", "-c", ssh]).terminal();
    shell.send_in_pieces(token);
    shell.expect("ready");
    shell
}

fn sessions(machine: &Machine, args: &[&str]) -> Vec<Value> {
    let command = machine.command(["pam-jwt", "sessions", "--json"]);
    let output = command.args(args).run().expect_success();
    let report: Value = serde_json::from_str(&output.stdout).expect("JSON");
    report["sessions"].as_array().expect("a list").clone()
}

/// A claim of a token.
fn claim(token: &str, name: &str) -> Value {
    let claims = token.split('.').nth(1).expect("a token");
    let claims = Base64UrlUnpadded::decode_vec(claims).expect("base64url");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    claims[name].clone()
}

#[test]
fn sessions_are_listed_with_their_tokens_while_they_are_open() {
    let machine = issuing();
    let _sshd = machine.sshd(&["PasswordAuthentication no"]);
    assert_eq!(sessions(&machine, &[]), [Value::Null; 0]);

    let token = machine.token(["alice", "--lifetime", "1h"]);
    let mut open = shell(&machine, &token);
    let listed = sessions(&machine, &["--user", "alice"]);
    let [session] = &listed[..] else {
        panic!("{listed:#?}")
    };
    let exp = claim(&token, "exp");
    assert_eq!(session["account"], "alice");
    assert_eq!(session["service"], "sshd");
    assert_eq!(session["opened_by"]["iss"], ISSUER);
    assert_eq!(session["opened_by"]["jti"], claim(&token, "jti"));
    assert_eq!(session["opened_by"]["exp"], exp);
    // What would end it, systemd-logind, does not run here.
    assert_eq!(session["ends"], Value::Null);
    let file = session["token_file"].as_str().expect("a token");
    let issued = machine.read(file);
    for name in ["iss", "jti", "exp"] {
        assert_eq!(session["issued"][name], claim(&issued, name));
    }
    assert_eq!(session["sid"], claim(&issued, "sid"));

    let people = machine.run(["pam-jwt", "sessions"]).expect_success();
    let rows: Vec<&str> = people.stdout.lines().collect();
    assert_eq!(rows.len(), 2, "{people}");
    for text in [&session["opened_by"]["jti"], &session["issued"]["jti"]] {
        let jti = text.as_str().expect("a jti");
        assert!(rows[1].contains(jti), "{people}");
    }
    assert_eq!(sessions(&machine, &["--user", "bob"]), [Value::Null; 0]);

    open.send_line("");
    open.wait().expect_success();
    // sshd closes it when its client has ended already.
    wait_until("no session is open", || sessions(&machine, &[]).is_empty());
    let none = machine.run(["pam-jwt", "sessions"]).expect_success();
    assert!(none.stdout.starts_with("no session is open"), "{none}");
}

#[test]
fn what_a_killed_sshd_has_left_is_no_session_and_is_taken_away() {
    let machine = issuing();
    let _sshd = machine.sshd(&["PasswordAuthentication no"]);
    let token = machine.token(["alice"]);
    let open = shell(&machine, &token);
    let session = sessions(&machine, &[]).remove(0);
    let file = session["token_file"].as_str().expect("a token").to_owned();
    let kill = ["kill", "-KILL", &session["pid"].to_string()];
    machine.run(kill).expect_success();
    drop(open);
    assert!(!machine.read(&file).is_empty());
    machine.wait_until(&format!("! kill -0 {} 2>/dev/null", session["pid"]));
    assert_eq!(sessions(&machine, &[]), [Value::Null; 0]);
    let left = machine.run(["find", "/run/pam-jwt", "-type", "f"]);
    assert_eq!(left.expect_success().stdout, "");
}

#[test]
fn whoever_is_not_root_is_told_so() {
    let machine = issuing();
    for args in [&["sessions"][..], &["sessions", "--json"]] {
        let command = machine.command(["pam-jwt"]).args(args).user("alice");
        let refused = command.run().expect_code(2);
        assert!(refused.stderr.contains("run this as root"), "{refused}");
    }
}

//! What happens to alice, and to carol.

use crate::shell::Shell;
use crate::{A, B, Hosts, MINUTE, NOON, PASSWORD, claim, claims, local};
use machine::{Machine, Mark};
use serde_json::json;

/// Where nobody types anything.
const JWT_SSH: &str = "jwt-ssh -oBatchMode=yes";

/// Tries the session's token on a host that refuses it.
#[track_caller]
fn refused(shell: &mut Shell, account: &str, host: &Machine, reason: &str) {
    let mark = host.mark();
    let to = format!("{account}@{}", host.name());
    let (status, text) = shell.try_run(&format!("{JWT_SSH} {to} true"));
    assert_eq!(status, 255, "{text}");
    let line = format!("pam_jwt(sshd:auth): result=refused reason={reason} ");
    host.wait_for_log(mark, &line);
}

#[test]
fn a_password_at_one_host_opens_the_next_for_whom_that_names() {
    let hosts = Hosts::boot();
    let Hosts { a, b } = &hosts;
    let _sshds = hosts.sshds();

    let mut alice = Shell::login(a, "alice", PASSWORD);
    let token = alice.token();
    let said = claims(&token);
    let expected = json!({
        "iss": A.issuer(), "sub": "alice", "aud": "ssh://b", "client_id": "pam:sshd",
        "iat": NOON, "auth_time": NOON, "exp": NOON + 60 * MINUTE, "amr": ["pwd"],
        "jti": said["jti"], "sid": said["sid"],
    });
    assert_eq!(said, expected);
    let id = claim(&token, "jti");
    let issued = a.wait_for_log(
        Mark::default(),
        "result=issued reason=issued account=alice ",
    );
    assert!(issued.message.contains(&format!(" jti={id} ")), "{issued}");

    // jwt-ssh says where it has found it.
    let file = alice.run("echo $BEARER_TOKEN_FILE");
    assert!(file.starts_with("/run/pam-jwt/"), "{file}");
    let status = alice.run("jwt-ssh status b");
    for text in [
        &*format!("from     {file}\n"),
        "for      ssh://b\n",
        "would be sent to alice@b",
    ] {
        assert!(status.contains(text), "{text}: {status}");
    }

    assert_eq!(
        alice.run(&format!("{JWT_SSH} b 'id -un; hostname'")),
        "alice\nb"
    );
    let line = format!(
        "pam_jwt(sshd:auth): result=accepted reason=allowed account=alice service=sshd \
         rhost={} issuer={} sub=alice ",
        A.address,
        A.issuer()
    );
    let accepted = b.wait_for_log(Mark::default(), &line);
    assert!(
        accepted.message.contains(&format!(" jti={id} ")),
        "{accepted}"
    );

    // carol has a token of the same host for the same audience.
    let mut carol = Shell::login(a, "carol", PASSWORD);
    assert_eq!(claim(&carol.token(), "sub"), "carol");
    refused(&mut carol, "carol", b, "account_not_allowed");
    refused(&mut carol, "alice", b, "claims_not_allowed");

    // Nor is alice for another service.
    b.pam_line("su", "auth sufficient pam_jwt.so");
    let mark = b.mark();
    let su = b.command(["su", "alice", "-c", "id -un"]).user("carol");
    let su = su.stdin(machine::in_pieces(&token).join("\n") + "\n").run();
    assert_ne!(su.code(), Some(0), "{su}");
    b.wait_for_log(
        mark,
        "pam_jwt(su:auth): result=refused reason=service_not_allowed ",
    );
}

#[test]
fn the_next_host_issues_its_own_and_none_is_ever_fresher() {
    let hosts = Hosts::boot();
    let Hosts { a, b } = &hosts;
    B.trusted_by(a, b);
    let _sshds = hosts.sshds();

    let mut alice = Shell::login(a, "alice", PASSWORD);
    let mut tokens = vec![alice.token()];
    for (host, time) in [("b", "12:20:00"), ("a", "12:40:00")] {
        hosts.clock(time);
        alice = alice.on(&format!("jwt-ssh {host}"));
        assert_eq!(alice.run("hostname"), host);
        tokens.push(alice.token());
    }
    let all: Vec<_> = tokens.iter().map(|token| claims(token)).collect();
    for (hop, (said, host)) in all.iter().zip([A, B, A]).enumerate() {
        assert_eq!(said["iss"], host.issuer(), "{said}");
        assert_eq!(said["iat"], NOON + hop as u64 * 20 * MINUTE, "{said}");
        // What b and the second session on a might give would end later.
        for (name, value) in [
            ("auth_time", json!(NOON)),
            ("amr", json!(["pwd"])),
            ("exp", json!(NOON + 60 * MINUTE)),
        ] {
            assert_eq!(said[name], value, "{name}: {said}");
        }
        assert!(said.get("acr").is_none(), "{said}");
        for other in all.iter().take(hop) {
            assert_ne!(other["jti"], said["jti"]);
            assert_ne!(other["sid"], said["sid"]);
        }
    }
    // The log leads back to the password.
    for (host, of, by) in [(b, 1, 0), (a, 2, 1)] {
        let opened = format!("; it was opened by the token {}", claim(&tokens[by], "jti"));
        let line = host.wait_for_log(Mark::default(), &opened);
        let own = format!(" jti={} ", claim(&tokens[of], "jti"));
        assert!(
            line.message.contains("result=issued ") && line.message.contains(&own),
            "{line}"
        );
    }

    // All end as the first does.
    hosts.clock("13:00:31");
    let (status, text) = alice.try_run(&format!("{JWT_SSH} b true"));
    assert_eq!(status, 255, "{text}");
    assert!(text.contains("expired"), "{text}");
}

#[test]
fn sudo_on_the_next_host_is_for_fresh_logins() {
    let hosts = Hosts::boot();
    let Hosts { a, b } = &hosts;
    let _sshds = hosts.sshds();
    let sudo = "SUDO_ASKPASS=/usr/bin/jwt-ssh-askpass sudo -k -A id -un";

    let mut alice = Shell::login(a, "alice", PASSWORD).on("jwt-ssh b");
    let mark = b.mark();
    assert_eq!(alice.run(sudo), "root");
    let accepted = b.wait_for_log(mark, "pam_jwt(sudo:auth): result=accepted reason=allowed ");
    let issuer = format!(" issuer={} ", B.issuer());
    assert!(accepted.message.contains(&issuer), "{accepted}");

    // A further login at b by the same token of a is a new one there, and no fresher.
    hosts.clock("12:10:42");
    let is_refused = |alice: &mut Shell| {
        let mark = b.mark();
        let (status, text) = alice.try_run(sudo);
        assert_eq!(status, 1, "{text}");
        let line = "pam_jwt(sudo:auth): result=refused reason=auth_too_old account=alice ";
        let line = b.wait_for_log(mark, line);
        assert!(line.message.ends_with(" over_by=42s"), "{line}");
        assert!(line.message.contains(&issuer), "{line}");
    };
    is_refused(&mut alice);
    alice.back();
    let mut alice = alice.on("jwt-ssh b");
    assert_eq!(claims(&alice.token())["iat"], NOON + 10 * MINUTE + 42);
    is_refused(&mut alice);

    // A password makes it one.
    let mut alice = Shell::login(a, "alice", PASSWORD).on("jwt-ssh b");
    assert_eq!(alice.run(sudo), "root");
}

#[test]
fn whose_trust_is_withdrawn_opens_nothing_any_more() {
    let hosts = Hosts::boot();
    let Hosts { a, b } = &hosts;
    let _sshds = hosts.sshds();
    let mut alice = Shell::login(a, "alice", PASSWORD);
    let mut inside = Shell::login(a, "alice", PASSWORD).on("jwt-ssh b");
    let token = alice.token();

    let file = A.trust_file();
    let remove = format!("mv {file} /root/");
    let restore = format!("mv /root/a.toml {file}");
    let revoke = format!(
        "pam-jwt revoke --issuer {} --jti {}",
        A.issuer(),
        claim(&token, "jti")
    );
    let undo = format!("{revoke} --undo");
    let everything = format!("pam-jwt revoke --issuer {} --issued-before now", A.issuer());
    let lift = format!("pam-jwt revoke --issuer {} --undo", A.issuer());
    for (withdraw, reason, give_back) in [
        (&remove, "issuer_unknown", &restore),
        (&revoke, "revoked", &undo),
        (&everything, "revoked", &lift),
    ] {
        assert_eq!(alice.run(&format!("{JWT_SSH} b id -un")), "alice");
        let _ = b.run(["sh", "-c", withdraw]).expect_success();
        refused(&mut alice, "alice", b, reason);
        // Whoever is in stays in.
        assert_eq!(inside.run("hostname"), "b");
        let _ = b.run(["sh", "-c", give_back]).expect_success();
    }

    // What b has issued to the session is for nothing there that b does not say of itself.
    let own = "/etc/pam-jwt/issuers.d/local.toml";
    let _ = b.run(["rm", &file]).expect_success();
    refused(&mut inside, "alice", b, "service_not_allowed");
    let _ = b.run(["rm", own]).expect_success();
    refused(&mut inside, "alice", b, "issuer_unknown");
    b.write(own, local("sshd"), 0o644);
    assert_eq!(inside.run(&format!("{JWT_SSH} b id -un")), "alice");
}

#[test]
fn the_tokens_end_with_their_sessions() {
    let hosts = Hosts::boot();
    let Hosts { a, b } = &hosts;
    let _sshds = hosts.sshds();
    let ended = "pam_unix(sshd:session): session closed for user alice";
    for killed in [false, true] {
        let mut alice = Shell::login(a, "alice", PASSWORD);
        let at_a = alice.run("echo $BEARER_TOKEN_FILE");
        let mut alice = alice.on("jwt-ssh b");
        let at_b = alice.run("echo $BEARER_TOKEN_FILE");
        let kept = [(a, at_a), (b, at_b)];
        for (host, file) in &kept {
            let _ = host.run(["test", "-s", file]).expect_success();
        }
        let marks = [a.mark(), b.mark()];
        if killed {
            // The terminal at which alice sits is gone, and with it one session after the other.
            drop(alice);
        } else {
            alice.back();
            b.wait_for_log(marks[1], ended);
            let _ = a.run(["test", "-s", &kept[0].1]).expect_success();
            alice.leave();
        }
        for ((host, _), mark) in kept.iter().zip(marks) {
            host.wait_for_log(mark, ended);
            let left = host.run(["find", "/run/pam-jwt", "-type", "f"]);
            assert_eq!(left.expect_success().stdout, "", "{}", host.name());
        }
    }
}

/// The script that logging-in.md has for an unmodified ssh, and what no ssh gets.
#[test]
fn plain_ssh_takes_the_sessions_token_from_a_script_and_not_from_our_askpass() {
    let hosts = Hosts::boot();
    let Hosts { a, b } = &hosts;
    let _sshds = hosts.sshds();
    let mut alice = Shell::login(a, "alice", PASSWORD);
    let ssh = "SSH_ASKPASS_REQUIRE=force setsid -w ssh -oNumberOfPasswordPrompts=1 b id -un";

    let document = include_str!("../../../packaging/doc/logging-in.md");
    let (_, script) = document.split_once("```sh\n").expect("a script");
    let (script, _) = script.split_once("```").expect("its end");
    assert!(script.contains("<~/token "), "{script}");
    let script = script.replace("~/token", "\"$BEARER_TOKEN_FILE\"");
    a.write_as("alice", "/home/alice/askpass", script, 0o700);
    assert_eq!(alice.run(&format!("SSH_ASKPASS=~/askpass {ssh}")), "alice");

    let mark = b.mark();
    let (status, text) = alice.try_run(&format!("SSH_ASKPASS=/usr/bin/jwt-ssh-askpass {ssh}"));
    assert_eq!(status, 255, "{text}");
    assert!(text.contains("only sudo may ask without jwt-ssh"), "{text}");
    b.wait_for_log(mark, "Connection closed by authenticating user alice");
    let lines = b.log_since(mark);
    assert!(
        lines.iter().all(|line| !line.message.contains("jti=")),
        "{lines:#?}"
    );
}

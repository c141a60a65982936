//! Step-up: an old token opens ssh, and only one of a fresh or a strong login opens sudo.

use machine::{Machine, Output};

/// A machine where alice gets in by ssh with any token, to root by sudo with one of a login of
/// the last ten minutes, and by su with one of a login with a second factor.
fn stepped() -> Machine {
    let machine = Machine::ready();
    machine.account("bob");
    for service in ["sudo", "su"] {
        machine.pam_line(service, "auth sufficient pam_jwt.so");
    }
    machine.write("/etc/sudoers.d/alice", "alice ALL=(ALL) ALL\n", 0o440);
    machine.append(
        "/etc/pam-jwt/issuers.d/local.toml",
        "\n[[allow]]\naccount = \"{sub}\"\nservices = [\"sudo\"]\nmax_auth_age = \"10m\"\n\
         \n[[allow]]\naccount = \"{sub}\"\nservices = [\"su\"]\namr = [\"otp\", \"hwk\"]\nacr = \"2\"\n",
    );
    machine
}

fn sudo(machine: &Machine, token: &str) -> Output {
    let sudo = machine.command(["sudo", "-k", "-S", "id", "-un"]);
    sudo.user("alice").stdin(format!("{token}\n")).run()
}

/// su, which unlike sudo 1.9.13 lets modules speak to the user.
fn su(machine: &Machine, account: &str, token: &str) -> Output {
    let su = machine.command(["su", account, "-c", "id -un"]);
    su.user("bob").stdin(format!("{token}\n")).run()
}

#[test]
fn what_opens_ssh_opens_nothing_else_unless_the_login_was_fresh_or_strong() {
    let machine = stepped();
    let _sshd = machine.sshd(&[]);
    let now = machine.run(["date", "+%s"]).stdout;
    let now: u64 = now.trim().parse().expect("a time");
    let auth_time = |ago: u64| format!("auth_time={}", now - ago);
    let token = |claims: &[&str]| {
        let claims = claims.iter().flat_map(|claim| ["--claim", claim]);
        machine.token(std::iter::once("alice").chain(claims))
    };
    let factor = "This takes a login at the issuer with amr otp or hwk; log in there that way.";
    let class = "This takes a login at the issuer with acr 2; log in there that way.";
    let [old, fresh] = [7200, 60].map(auth_time);
    for (claims, at_sudo, at_su, told_at_su) in [
        (&[&*fresh][..], "", "acr_insufficient", class),
        (
            &[&*old, "acr=\"2\"", "amr=[\"pwd\",\"otp\"]"],
            "auth_too_old",
            "",
            "",
        ),
        (
            &["acr=\"2\"", "amr=[\"pwd\"]"],
            "auth_time_missing",
            "amr_insufficient",
            factor,
        ),
        (&[&*fresh, "acr=\"2\"", "amr=\"hwk\""], "", "", ""),
    ] {
        let token = token(claims);
        // All of them open ssh.
        let login = machine.ssh("alice").answers([&*token]).command("id -un");
        assert_eq!(login.code(), Some(0), "{claims:?}\n{login}");
        let mark = machine.mark();
        for (service, reason, output) in [
            ("sudo", at_sudo, sudo(&machine, &token)),
            ("su", at_su, su(&machine, "alice", &token)),
        ] {
            let opens = reason.is_empty();
            assert_eq!(output.code() == Some(0), opens, "{claims:?}\n{output}");
            let told = if service == "su" { told_at_su } else { "" };
            assert!(output.stderr.contains(told), "{claims:?}\n{output}");
            if !opens {
                let line = format!("pam_jwt({service}:auth): result=refused reason={reason}");
                machine.wait_for_log(mark, &line);
            }
            let verify = ["pam-jwt", "verify", "--user", "alice", "--service", service];
            let verify = machine.command(verify).stdin(&*token).run();
            assert_eq!(verify.code() == Some(0), opens, "{verify}");
            for step in ["auth age", "acr", "amr"] {
                assert!(verify.stdout.contains(step), "{step}: {verify}");
            }
        }
    }
    // Whom nothing else lets in is told nothing of it.
    let output = su(&machine, "bob", &token(&[&old]));
    assert_ne!(output.code(), Some(0), "{output}");
    assert!(!output.stderr.contains("issuer"), "{output}");
}

/// Where one rule alone is for a service, the reason is that it is not recent.
#[test]
fn a_login_at_the_issuer_that_is_too_old_is_told_by_how_much() {
    let machine = Machine::ready();
    machine.set_clock("2040-01-01 12:00:00");
    machine.append(
        "/etc/pam-jwt/issuers.d/local.toml",
        "max_auth_age = \"10m\"\n",
    );
    let _sshd = machine.sshd(&[]);
    let token = |at: &str| machine.token(["alice", "--claim", &format!("auth_time={at}")]);
    let login = |token: String| {
        // Of what a server says ssh is silent below that.
        let ssh = machine.ssh("alice").option("LogLevel=INFO");
        ssh.answers([token]).command("id -un")
    };
    let accepted = login(token("2209031400"));
    assert_eq!(accepted.code(), Some(0), "{accepted}");
    let mark = machine.mark();
    let refused = login(token("2209031358"));
    assert_eq!(refused.code(), Some(255), "{refused}");
    let line = machine.wait_for_log(mark, "result=refused reason=auth_too_old");
    assert!(line.message.ends_with(" over_by=42s"), "{}", line.message);
    let told = "Your last login at the issuer is 42 s too old for this; log in there again.";
    assert!(refused.stderr.contains(told), "{refused}");
}

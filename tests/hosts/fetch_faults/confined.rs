//! What pam-jwt-fetch has given up by the time it talks to anybody, as the kernel sees it.

use crate::{fetch, issuer_of, machine};

/// The status of a process that waits for an issuer that says nothing.
const LOOK: &str = r"
    pam-jwt-fetch --now >/dev/null & pid=$!
    for try in $(seq 200); do
        grep -qs '^Seccomp_filters:.*[1-9]' /proc/$pid/status && break
        sleep 0.05
    done
    cat /proc/$pid/status
    kill $pid
    id -u pam-jwt-fetch";

#[test]
fn it_is_a_lesser_user_that_can_gain_nothing() {
    let machine = machine();
    let issuer = issuer_of(&machine, "discover = true");
    issuer.fault(r#"{"kind":"silent"}"#);
    let status = machine.run(["bash", "-c", LOOK]).expect_success().stdout;
    let uid = status.lines().last().expect("a uid").to_owned();
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("{name}\n{status}"));
        let words = line[name.len()..].split_whitespace();
        words.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of("Uid:"), [&*uid; 4].join(" "));
    assert_eq!(of("Groups:"), "");
    for set in ["CapPrm:", "CapEff:", "CapAmb:", "CapInh:"] {
        assert_eq!(of(set).trim_start_matches('0'), "", "{set}");
    }
    assert_eq!(of("NoNewPrivs:"), "1");
    assert_eq!(
        (of("Seccomp:"), of("Seccomp_filters:")),
        ("2".into(), "2".into())
    );
}

/// A file that everybody may read, outside of those that are left to it.
#[test]
fn it_reads_what_it_needs_and_nothing_else() {
    let machine = machine();
    let _issuer = issuer_of(&machine, "discover = true");
    let install = "for dir in /etc/ssl /srv; do
        install -m 644 /etc/ssl/certs/test-ca.pem $dir/authority.pem; done";
    let _ = machine.run(["sh", "-ec", install]).expect_success();
    let with = |authority: &str| {
        let fetch = machine.command(["pam-jwt-fetch", "--now"]);
        fetch.env("SSL_CERT_FILE", authority).run()
    };
    let _ = with("/etc/ssl/authority.pem").expect_success();
    let verbose = fetch(&machine, &["-v"]).expect_success();
    if verbose.stderr.contains("this kernel has no Landlock") {
        machine::tell("NOT TRIED: this kernel has no Landlock");
        return;
    }
    let denied = with("/srv/authority.pem").expect_code(1);
    assert!(denied.stdout.contains("failed"), "{denied}");
}

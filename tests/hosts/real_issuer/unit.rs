//! On a booted Debian of the other release: under its systemd, with its sshd, and the issuer on
//! another machine.

use crate::{browser, issuer_file, outcome};
use machine::{Machine, PROVIDER, Provider};

/// What a script of root's prints.
#[track_caller]
fn says(machine: &Machine, script: &str) -> String {
    let output = machine.run(["sh", "-ec", script]).expect_success();
    output.stdout.trim_end().to_owned()
}

#[test]
fn the_timers_service_fetches_for_another_sshd() {
    let far = Machine::boot_named("far");
    let mut provider = Provider::start(&far, r#"{ "interval": 1 }"#);
    let machine = Machine::boot_other_debian();
    machine.make_ready();
    far.link("192.0.2.1", &machine, "192.0.2.2");
    provider.known_to(&machine, "192.0.2.1");
    issuer_file(&machine, "", "");
    let _sshd = machine.sshd(&[]);
    let token = provider.token("alice", "ssh://machine");
    assert_eq!(outcome(&machine, &token), "keys_not_fetched");
    // Every three seconds in place of every two minutes, which a test would wait for.
    machine.write(
        "/etc/systemd/system/pam-jwt-fetch.timer.d/often.conf",
        "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/3\nRandomizedDelaySec=0\n",
        0o644,
    );
    says(
        &machine,
        "systemctl daemon-reload; systemctl --quiet enable --now pam-jwt-fetch.timer",
    );
    let next = says(
        &machine,
        "systemctl list-timers --no-legend pam-jwt-fetch.timer",
    );
    assert!(next.contains("pam-jwt-fetch.service"), "{next}");
    machine.wait_until("test -e /var/lib/pam-jwt/fetched/*.keys");
    says(&machine, "systemctl stop pam-jwt-fetch.timer");
    let journal = says(
        &machine,
        "journalctl --output=cat _SYSTEMD_UNIT=pam-jwt-fetch.service",
    );
    assert!(journal.contains(PROVIDER), "{journal}");
    let owners = "cd /var/lib/pam-jwt && stat -c '%U %a' . fetched fetched/*.keys";
    let theirs = "root 755\npam-jwt-fetch 755\npam-jwt-fetch 644";
    assert_eq!(says(&machine, owners), theirs);
    assert_eq!(outcome(&machine, &token), "allowed");

    browser::trust(&machine);
    let mut login = browser::ssh(&machine);
    browser::confirm(&provider, &login);
    login.send_line("");
    let login = login.wait();
    assert!(login.stdout.contains("I am alice"), "{login}");
}

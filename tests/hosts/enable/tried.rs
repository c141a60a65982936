//! What becomes of what is only tried.

use machine::{Terminal, tell, wait_until};

use crate::bench::{Bench, CONFIRM, LINE, PASSWORD, SSHD, TRY};

/// Begins to try at a terminal of alice's, who has become root by sudo.
pub(crate) fn begin(bench: &Bench<'_>, command: &str) -> Terminal {
    let mut shell = bench.shell();
    shell.send_line(&format!("sudo {command}; echo en''ded=$?"));
    shell.expect("sudo pam-jwt confirm");
    assert!(bench.is_enabled(), "{}", shell.printed());
    shell
}

pub(crate) fn what_nobody_confirms_goes_back(bench: &Bench<'_>) {
    let report = bench.report(1, "enable sshd --try 2s");
    assert_eq!(report["outcome"], "put_back");
    bench.is_as_before();
    let _ = bench.report(2, "confirm");
    assert_eq!(
        bench.report(0, "rollback")["put_back"]
            .as_array()
            .map(Vec::len),
        Some(0)
    );
}

pub(crate) fn an_interrupt_puts_it_back_at_once(bench: &Bench<'_>) {
    let mut shell = begin(bench, TRY);
    shell.expect(" s left").send("\x03");
    shell.expect("put back: sshd as before").expect("ended=1");
    bench.is_as_before();
}

/// What `rollback` does is not to lose what somebody else has written meanwhile.
pub(crate) fn what_others_have_changed_stays(bench: &Bench<'_>) {
    let old = bench.machine.read(SSHD);
    let mut shell = begin(bench, TRY);
    // Nor does a second one begin, or its time pass early.
    assert_eq!(
        bench.report(1, "enable login")["refusals"][0]["code"],
        "being_tried"
    );
    let _ = bench.report(0, "rollback --expired");
    assert!(bench.is_enabled());
    bench.machine.append(SSHD, "# mine\n");
    let report = bench.report(1, "rollback");
    assert!(
        report["kept"][0]
            .as_str()
            .is_some_and(|kept| kept.contains(SSHD)),
        "{report:#}"
    );
    shell.expect("ended=1");
    assert_eq!(bench.machine.read(SSHD), format!("{old}# mine\n"));
    bench.machine.write(SSHD, &old, 0o644);
    bench.restore();
    bench.is_as_before();

    // To disable it is to put it back.
    let mut shell = begin(bench, TRY);
    let _ = bench.report(0, "disable sshd");
    shell.expect("ended=1");
    bench.is_as_before();
}

/// SIGKILL of it and of all that is in its session.
pub(crate) fn whoever_is_killed_has_it_put_back(bench: &Bench<'_>) {
    let kill = "pid=$(pgrep -xf 'pam-jwt enable sshd --try [0-9]*[sm]')
        scope=$(grep -o 'session-[^/]*[.]scope' /proc/$pid/cgroup) || { cat /proc/$pid/cgroup; exit 1; }
        kill -KILL $pid
        systemctl kill --signal=KILL $scope
        while [ -e /proc/$pid ]; do sleep 0.05; done";
    let shell = begin(bench, "pam-jwt enable sshd --try 4s");
    bench.says(kill);
    assert!(bench.is_enabled(), "killed too late");
    wait_until("it is put back", || !bench.is_enabled());
    wait_until("and nothing is left of it", || {
        bench.says("systemctl is-enabled pam-jwt-rollback.service || :") == "disabled"
    });
    bench.is_as_before();
    drop(shell);
}

/// At whatever moment it is killed: either nothing has changed, or all is there that puts it back.
pub(crate) fn whoever_is_killed_leaves_no_change_unguarded(bench: &Bench<'_>) {
    let killed = "timeout --signal=KILL $0 pam-jwt enable sshd --try 10m >/dev/null 2>&1 || :
        grep -q 'by pam-jwt enable' /etc/pam.d/sshd || { echo unchanged; exit; }
        systemctl is-enabled pam-jwt-rollback.service
        systemctl list-units --plain --no-legend 'pam-jwt-try-*.timer' | cut -d' ' -f3
        ls /var/lib/pam-jwt/trying/0.old";
    let mut moments = [0, 0];
    for hundredths in (4..100).step_by(12) {
        let time = format!("0.{hundredths:02}");
        let output = bench
            .machine
            .run(["sh", "-ec", killed, &time])
            .expect_success();
        match output.stdout.trim_end() {
            "unchanged" => moments[0] += 1,
            "enabled\nactive\n/var/lib/pam-jwt/trying/0.old" => moments[1] += 1,
            other => panic!("killed after {time} s: {other}"),
        }
        let _ = bench.report(0, "rollback");
        // What was being tried in libpam is taken away by the next who tries.
        bench.says("rm -rf /run/pam-jwt-enable; rm -f /etc/pam.d/.sshd.pam-jwt");
        bench.is_as_before();
    }
    tell(&format!(
        "{}: killed {} times before it had changed anything and {} times after",
        bench.release, moments[0], moments[1]
    ));
}

/// Neither whoever began nor a login from before confirms it, but a new one does.
pub(crate) fn only_a_second_login_confirms(bench: &Bench<'_>) {
    let confirm = format!("sudo {CONFIRM} 2>&1");
    let mut earlier = bench.shell();
    let mut first = bench.shell();
    first.send_line(&format!("sudo {TRY} & sleep 0"));
    first.expect("sudo pam-jwt confirm");
    for (is_first, way) in [
        (true, confirm.clone()),
        (true, format!("sudo su - -c '{CONFIRM}' 2>&1")),
        (true, format!("setsid -w sudo {CONFIRM} 2>&1")),
        (false, confirm.clone()),
    ] {
        let shell = if is_first { &mut first } else { &mut earlier };
        shell.send_line(&format!("{way}; echo co''de=$?"));
        shell
            .expect("not confirmed: this login began before")
            .expect("code=1");
    }
    // Nor does what is no login at all.
    let refused = bench.report(1, "confirm");
    assert_eq!(refused["confirmed"], false);
    assert!(bench.is_enabled());

    let second = bench.login(&bench.token(), &confirm);
    assert_eq!(second.code(), Some(0), "{second}");
    assert!(
        second
            .stdout
            .contains("confirmed: sshd keeps the new lines"),
        "{second}"
    );
    first.expect("confirmed: tokens open sshd");
    let audit = bench.login(PASSWORD, "cat /proc/self/sessionid");
    tell(&format!(
        "{}: the kernel's number of a login: {}",
        bench.release, audit.stdout
    ));
    bench.nothing_is_tried();
    assert!(bench.is_enabled());
    assert_eq!(bench.login(PASSWORD, "true").code(), Some(0));
    assert_eq!(bench.machine.read(SSHD).matches(LINE).count(), 1);
    let _ = bench.report(0, "disable sshd");
}

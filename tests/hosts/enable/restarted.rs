//! A restart while something is being tried.

use machine::{Machine, tell};

use crate::bench::{Before, Bench, PASSWORD};
use crate::tried;

/// It is put back before anybody can log in.
pub(crate) fn a_restart_puts_it_back(machine: &mut Machine, release: &str, before: Before) {
    {
        let _sshd = machine.sshd(&[]);
        let bench = Bench::again(machine, release, before.clone());
        let shell = tried::begin(&bench, "pam-jwt enable sshd --try 1h");
        assert_eq!(
            bench.says("systemctl is-enabled pam-jwt-rollback.service"),
            "enabled"
        );
        // As the power would go: nobody puts it back before the machine stops.
        bench.says("kill -KILL $(pgrep -xf 'pam-jwt enable sshd --try 1h')");
        assert!(bench.is_enabled());
        drop(shell);
    }
    let boot = machine.read("/proc/sys/kernel/random/boot_id");
    machine.reboot();
    let bench = Bench::again(machine, release, before);
    bench.is_as_before();
    let moments = bench.says(
        "systemctl show --value -p ExecMainExitTimestampMonotonic pam-jwt-rollback.service
        systemctl show --value -p ExecMainStartTimestampMonotonic ssh.service",
    );
    let moments: Vec<u64> = moments
        .split_whitespace()
        .map(|text| text.parse().expect("a time"))
        .collect();
    assert!(0 < moments[0] && moments[0] < moments[1], "{moments:?}");
    tell(&format!(
        "{release}: put back {} ms before sshd began; the same boot id: {}",
        (moments[1] - moments[0]) / 1000,
        boot == machine.read("/proc/sys/kernel/random/boot_id")
    ));
    let _sshd = machine.sshd(&[]);
    assert_eq!(bench.login(PASSWORD, "true").code(), Some(0));
    assert_eq!(bench.login(&bench.token(), "true").code(), Some(255));
}

//! `pam-jwt enable`, `disable`, `confirm` and `rollback` on booted machines of either Debian, with
//! their own systemd, logind, sshd and sudo.

mod bench;
mod judged;
mod restarted;
mod tried;

use bench::Bench;

#[test]
fn bookworm_is_enabled_without_fear() {
    enabled_without_fear("bookworm");
}

#[test]
fn trixie_is_enabled_without_fear() {
    enabled_without_fear("trixie");
}

fn enabled_without_fear(release: &str) {
    let mut machine = bench::booted(release);
    let sshd = machine.sshd(&[]);
    let bench = Bench::on(&machine, release);
    judged::both_ways_in_and_the_way_back(&bench);
    judged::what_locks_out_or_lets_anybody_in_is_refused(&bench);
    tried::what_nobody_confirms_goes_back(&bench);
    tried::an_interrupt_puts_it_back_at_once(&bench);
    tried::what_others_have_changed_stays(&bench);
    tried::whoever_is_killed_has_it_put_back(&bench);
    tried::whoever_is_killed_leaves_no_change_unguarded(&bench);
    tried::only_a_second_login_confirms(&bench);
    bench.restore();
    let before = bench.before;
    drop(sshd);
    restarted::a_restart_puts_it_back(&mut machine, release, before);
}

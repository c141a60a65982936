//! The lines are of the forms that the kernel writes: AVC messages as auditd's and SELinux's
//! documents show them, AppArmor's as apparmor.d(5) and its wiki do.

use super::*;

const AVC: &str = "AVC avc:  denied  { read } for  pid=1432 comm=\"sshd-session\" \
    name=\"pam-jwt.toml\" dev=\"vda2\" ino=67219 scontext=system_u:system_r:sshd_t:s0-s0:c0.c1023 \
    tcontext=unconfined_u:object_r:user_home_t:s0 tclass=file permissive=0";

const APPARMOR: &str = "audit: type=1400 audit(1795392000.123:45): apparmor=\"DENIED\" \
    operation=\"open\" class=\"file\" profile=\"pam-jwt-fetch\" name=\"/etc/pam-jwt/private/\" \
    pid=811 comm=\"pam-jwt-fetch\" requested_mask=\"r\" denied_mask=\"r\" fsuid=995 ouid=0";

#[test]
fn denials_of_both_are_read() {
    let avc = denial(AVC).unwrap();
    assert_eq!(avc.by, By::SeLinux);
    assert_eq!(
        avc.who,
        "sshd-session (system_u:system_r:sshd_t:s0-s0:c0.c1023)"
    );
    assert_eq!((&*avc.wanted, avc.is_enforced), ("read", true));
    assert_eq!(
        avc.what,
        "pam-jwt.toml (unconfined_u:object_r:user_home_t:s0)"
    );
    // As audit.log and the kernel's own line have it.
    for head in [
        "type=AVC msg=audit(1795392000.1:2): ",
        "audit: type=1400 audit(1.2:3): ",
    ] {
        assert_eq!(denial(&AVC.replacen("AVC ", head, 1)), Some(avc.clone()));
    }
    let two = AVC.replace("{ read }", "{ read open }").replace("=0", "=1");
    let two = denial(&two).unwrap();
    assert_eq!((&*two.wanted, two.is_enforced), ("read open", false));

    let apparmor = denial(APPARMOR).unwrap();
    assert_eq!(apparmor.who, "pam-jwt-fetch (profile pam-jwt-fetch)");
    assert_eq!(apparmor.wanted, "r open");
    assert_eq!(apparmor.what, "/etc/pam-jwt/private/");
    let complaining = denial(&APPARMOR.replace("DENIED", "ALLOWED")).unwrap();
    assert!(!complaining.is_enforced);
}

#[test]
fn what_is_not_ours_or_no_denial_is_left_alone() {
    for line in [
        "",
        "avc:  granted  { read } for  pid=1 comm=\"pam-jwt\"",
        "avc:  denied  { read",
        &AVC.replace("pam-jwt", "other"),
        &APPARMOR.replace("pam-jwt", "other"),
        &APPARMOR.replace("DENIED", "STATUS"),
        "apparmor=\"STATUS\" operation=\"profile_load\" name=\"pam-jwt-fetch\"",
    ] {
        assert_eq!(denial(line), None, "{line}");
    }
}

#[test]
fn a_denial_counts_while_it_is_new_and_the_kernels_own() {
    let entry = |writer, at, message: &str| Entry {
        at: Moment::At(at),
        writer,
        program: "kernel".to_owned(),
        message: message.to_owned(),
    };
    let kernel = Kernel {
        selinux: Some(true),
        ..Kernel::default()
    };
    let verdicts = |entry: Entry| -> Vec<Verdict> {
        let found = judge(&kernel, &[entry.clone(), entry], Some(10_000));
        found.iter().map(|finding| finding.verdict).collect()
    };
    use Verdict::{Doubtful, Fine, Wrong};
    assert_eq!(verdicts(entry(Writer::Kernel, 9_000, AVC)), [Fine, Wrong]);
    assert_eq!(
        verdicts(entry(Writer::Kernel, 1_000, AVC)),
        [Fine, Doubtful]
    );
    assert_eq!(verdicts(entry(Writer::Uid(0), 9_000, AVC)), [Fine]);
    assert_eq!(verdicts(entry(Writer::Anybody, 9_000, APPARMOR)), [Fine]);
    let permissive = AVC.replace("permissive=0", "permissive=1");
    assert_eq!(
        verdicts(entry(Writer::Kernel, 9_000, &permissive)),
        [Fine, Doubtful]
    );
    let none = judge(&Kernel::default(), &[], None);
    assert!(none[0].says.contains("neither"));
}

//! What a removal does not do.

use crate::in_each_release;
use crate::place::{apt, install, says, stacks};

/// A line that somebody has written would let nobody in without the module.
#[test]
fn a_module_that_is_named_by_hand_is_not_removed() {
    in_each_release(|machine| {
        install(machine);
        machine.pam_line("su", "account required pam_jwt.so require_token");
        machine.write("/etc/pam.d/su.saved", "auth required pam_jwt.so\n", 0o644);
        let init = ["pam-jwt", "init", "--issuer", machine::ISSUER];
        let _ = machine.run(init).expect_success();
        let _ = machine.run(["pam-jwt", "enable", "sshd"]).expect_success();
        let before = stacks(machine);
        let output = machine.run(["apt-get", "--yes", "remove", "libpam-jwt"]);
        assert_ne!(output.code(), Some(0), "{output}");
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(
            said.contains("/etc/pam.d/su\n") || said.contains("/etc/pam.d/su\r"),
            "{output}"
        );
        says(machine, "ls /usr/lib/*/security/pam_jwt.so");
        // What was enabled is, and files that no service is called after are nobody's lines.
        assert_eq!(stacks(machine), before);
        assert!(!said.contains("su.saved"), "{output}");
        says(machine, "sed -i /require_token/d /etc/pam.d/su");
        apt(machine, "remove libpam-jwt");
        says(machine, "! ls /usr/lib/*/security/pam_jwt.so");
    });
}

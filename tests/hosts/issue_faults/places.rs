//! Directories of ours that are not root's alone, and what stands in their places.

use super::faults::{machine, works};
use super::{RUN, sh, uid};

/// What stands in the place of a directory of ours, or is not root's alone.
#[test]
fn what_others_own_or_may_write_to_is_not_written_to() {
    let machine = machine();
    let uid = uid(&machine, "alice");
    for fault in [
        "chmod 1777 .",
        "chmod 777 .",
        "chmod 775 .",
        "chown alice .",
        "touch UID/x; chown alice UID",
        "touch UID/x; chmod 1777 UID",
        "touch UID/x; chmod 777 UID",
        "rmdir UID; ln -s /home/alice UID",
        "rmdir UID; ln -s handoff UID",
        "rmdir UID; ln -s /nowhere UID",
        "rmdir UID; touch UID",
        "rmdir UID; mkfifo UID",
        "rmdir sessions; ln -s /home/alice sessions",
        "chown alice sessions",
        "cd ..; mv pam-jwt p; ln -s p pam-jwt",
        "cd ..; rm -r pam-jwt; ln -s /home/alice pam-jwt",
        "cd ..; rm -r pam-jwt; echo >pam-jwt",
    ] {
        let fault = fault.replace("UID", &uid);
        let before = sh(&machine, "ls -A /home/alice");
        sh(
            &machine,
            &format!(
                "mkdir -m 755 {RUN}; cd {RUN}; mkdir -m 700 handoff sessions; mkdir -m 711 {uid}; {fault}"
            ),
        );
        let mark = machine.mark();
        for (word, code, out) in [("su", 0, "in\n"), ("su -", 1, "")] {
            let su = format!("{word} alice -c 'echo in $BEARER_TOKEN_FILE'");
            let su = machine.run(["sh", "-c", &su]).expect_code(code);
            assert_eq!(su.stdout, out, "{fault}: {su}");
        }
        let line = machine.wait_for_log(mark, "reason=issue_failed ");
        let words = format!("detail=\"{RUN}");
        assert!(line.message.contains(&words), "{fault}: {}", line.message);
        assert!(line.message.contains("run: "), "{fault}: {}", line.message);
        assert_eq!(sh(&machine, "ls -A /home/alice"), before, "{fault}");
        // Followed by nobody, so nothing of ours is below it, whatever it points to.
        let left =
            "find /run/pam-jwt/ /run/p/ -type f 2>/dev/null | grep -E '[0-9a-f]{32}$' || true";
        let left = sh(&machine, left);
        assert_eq!(left, "", "{fault}");
        sh(&machine, &format!("rm -rf {RUN} /run/p"));
    }
    works(&machine);
}

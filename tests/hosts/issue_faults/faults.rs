//! A key that cannot sign, settings that broke, and a disk that takes nothing: the login goes
//! on without a token, is told so in the log, and where the line says `issue=required` there
//! is none. Nothing half done is left.

use super::{
    ENDS, HOST, ISSUE, KEY, PASSWORD, RUN, SETTINGS, Steps, files, logs_runtime, machine_with,
    runtime, sh, su, uid,
};
use machine::Machine;

/// A machine on which su-l wants a token for its session, and su would like one.
pub(super) fn machine() -> Machine {
    let machine = machine_with("");
    machine.pam_line("su-l", "session required pam_jwt.so issue=required");
    let services = "services = [\"sshd\", \"su\", \"su-l\", \"sudo\"]";
    sh(
        &machine,
        &format!("sed -i 's/^services.*/{services}/' {SETTINGS}"),
    );
    machine
}

/// Root's su to alice, which goes on without a token; the log says why. With su-l, where one
/// is required, there is no session. `before` is how the command begins.
#[track_caller]
fn fails_after(machine: &Machine, before: &[&str], words: &str) {
    let su = |word: &str, code: i32| {
        let mark = machine.mark();
        let su = [word, "alice", "-c", "echo in $BEARER_TOKEN_FILE"];
        let su = before
            .iter()
            .copied()
            .chain(["su"])
            .chain(su)
            .filter(|word| !word.is_empty());
        let output = machine.run(su).expect_code(code);
        let line = machine.wait_for_log(mark, "result=failed reason=issue_failed ");
        assert!(line.message.contains(words), "{words}: {}", line.message);
        output.stdout
    };
    assert_eq!(su("", 0), "in\n");
    assert_eq!(su("-", 1), "");
    let left = files(machine, RUN);
    let ours = left.iter().filter(|path| !path.ends_with("/filler"));
    assert_eq!(ours.count(), 0, "{left:#?}");
}

#[track_caller]
fn fails(machine: &Machine, words: &str) {
    fails_after(machine, &[], words);
}

/// Both have a token.
#[track_caller]
pub(super) fn works(machine: &Machine) {
    for word in ["su", "su -"] {
        let script = format!("{word} alice -c 'test -s $BEARER_TOKEN_FILE && echo in'");
        assert_eq!(sh(machine, &script), "in");
    }
    assert_eq!(files(machine, RUN), [""; 0]);
}

#[test]
fn a_key_that_cannot_sign_or_that_others_read_leaves_the_login_without_a_token() {
    let machine = machine();
    works(&machine);
    sh(&machine, "cp -a /etc/pam-jwt/private /root/private");
    for (fault, words) in [
        (
            "rm KEY",
            "does not exist; name the key in [issue], or make one: pam-jwt keygen",
        ),
        (
            "chmod 644 KEY",
            "run: chmod 600 /etc/pam-jwt/private/local.jwk",
        ),
        ("chmod 640 KEY", "others than root can read"),
        ("chmod 620 KEY", "run: chmod go-w"),
        ("chown alice KEY", "run: chown root"),
        ("mv KEY /root/k; ln -s /root/k KEY", "is a symbolic link"),
        ("rm KEY; mkdir KEY", "is not a regular file"),
        ("rm KEY; mkfifo -m 600 KEY", "is not a regular file"),
        ("cat /etc/pam-jwt/keys/local.jwk >KEY", "local.jwk: "),
        ("openssl genpkey -algorithm ed25519 >KEY", "local.jwk: "),
        (
            "openssl genpkey -algorithm ed25519 | openssl pkey -pubout >KEY",
            "local.jwk: ",
        ),
        ("echo garbage >KEY", "local.jwk: "),
        (": >KEY", "local.jwk: "),
        ("truncate -s 50 KEY", "local.jwk: "),
        ("head -c 2M /dev/zero >KEY", "is longer than 1024 KiB"),
        (
            "cd /etc/pam-jwt; mv private p; ln -s p private",
            "is a symbolic link",
        ),
        (
            "chmod 777 /etc/pam-jwt/private",
            "run: chmod go-w /etc/pam-jwt/private",
        ),
        ("rm -r /etc/pam-jwt/private", "does not exist"),
    ] {
        sh(&machine, &fault.replace("KEY", KEY));
        fails(&machine, words);
        sh(
            &machine,
            "cd /etc/pam-jwt; rm -rf private p; cp -a /root/private private",
        );
    }
    works(&machine);
}

#[test]
fn settings_that_broke_since_the_login_leave_it_without_a_token_and_with_its_end() {
    let machine = machine_with(ENDS);
    logs_runtime(&machine, &["/etc/pam.alone/sshd"]);
    let token = machine.token(["alice", "--lifetime", "100s"]);
    for (broken, result) in [
        ("[issue", "result=failed reason=issue_failed "),
        (
            "[issue]\nissuer = 5\n",
            "result=failed reason=issue_failed ",
        ),
        ("", "result=withheld reason=issue_withheld "),
    ] {
        machine.write(SETTINGS, format!("{ENDS}{ISSUE}"), 0o644);
        let mut steps = Steps::of(&machine, "sshd", "alice");
        steps
            .succeeds(&format!("child sshd alice {token}"))
            .succeeds("tty ssh");
        machine.write(SETTINGS, broken, 0o644);
        let mark = machine.mark();
        steps.succeeds("setcred");
        steps.succeeds("open_session");
        let seconds = runtime(&machine.wait_for_log(mark, "runtime_max_sec="));
        assert!((1..=100).contains(&seconds.expect("an end")), "{seconds:?}");
        let line = machine.wait_for_log(mark, result);
        assert!(line.message.contains(SETTINGS) || result.contains("withheld"));
        assert_eq!(steps.variable("BEARER_TOKEN_FILE"), None);
        // What is recorded is the session.
        assert_eq!(files(&machine, RUN).len(), 1);
        steps.succeeds("close_session");
        assert_eq!(files(&machine, RUN), [""; 0]);
    }
}

#[test]
fn a_host_that_is_not_root_gets_no_token_and_goes_on() {
    let machine = machine();
    works(&machine);
    let steps = format!("{HOST} --steps su alice /etc/pam.alone");
    let run = || {
        let mark = machine.mark();
        let steps = machine.command(steps.split(' ')).user("alice");
        let steps = steps
            .stdin("open_session\nenvironment\nclose_session\n")
            .run();
        let steps = steps.expect_success();
        let line = machine.wait_for_log(mark, "result=failed reason=issue_failed ");
        let words = "this process does not run as root and may not read /etc/pam-jwt/private";
        assert!(line.message.contains(words), "{}", line.message);
        assert!(steps.stdout.contains("open_session PAM_SUCCESS"), "{steps}");
        assert!(!steps.stdout.contains("env "), "{steps}");
    };
    // Whether or not root's logins have written there.
    let _ = su(&machine, PASSWORD, "true").expect_success();
    sh(&machine, &format!("test -d {RUN}/handoff"));
    run();
    sh(&machine, &format!("rm -rf {RUN}"));
    run();
}

/// Mounts a tmpfs, or what `mount` says, in the place of /run/pam-jwt.
fn mounted(machine: &Machine, mount: &str, then: &str, check: impl FnOnce()) {
    sh(
        machine,
        &format!("mkdir -p {RUN}; cd {RUN}; mount {mount} {RUN}; cd {RUN}; {then}"),
    );
    check();
    sh(machine, &format!("umount {RUN}"));
}

#[test]
fn where_nothing_can_be_written_the_login_goes_on_without_a_token() {
    let machine = machine();
    let uid = uid(&machine, "alice");
    let made = format!("mkdir -m 700 handoff sessions; mkdir -m 711 {uid}");
    let full = "head -c 1M /dev/zero >filler 2>/dev/null || true";
    for (options, then, words) in [
        ("size=16k", full.to_owned(), "No space left on device"),
        (
            "size=16k",
            format!("{made}; {full}"),
            "No space left on device",
        ),
        (
            "size=1m,nr_inodes=1",
            String::new(),
            "No space left on device",
        ),
        (
            "size=1m,nr_inodes=2",
            String::new(),
            "No space left on device",
        ),
        (
            "size=1m,nr_inodes=3",
            String::new(),
            "No space left on device",
        ),
        (
            "size=1m,nr_inodes=4",
            String::new(),
            "No space left on device",
        ),
        ("size=1m,ro", String::new(), "Read-only file system"),
        (
            "size=1m",
            format!("{made}; cd /; mount -o remount,ro {RUN}"),
            "Read-only file system",
        ),
    ] {
        let mount = format!("-t tmpfs -o mode=755,{options} tmpfs");
        mounted(&machine, &mount, &then, || fails(&machine, words));
    }
    works(&machine);
}

#[test]
fn a_token_is_not_written_to_what_may_be_a_disk() {
    let machine = machine();
    sh(&machine, "mkdir -m 755 /var/disk");
    for mount in ["--bind /var/disk", "-t ramfs -o mode=755 ramfs"] {
        mounted(&machine, mount, "", || {
            fails(
                &machine,
                "is not in a tmpfs, and a token is not written to a disk",
            );
        });
    }
    // Of the session's end that does not need one.
    machine.write(SETTINGS, ENDS, 0o644);
    let token = machine.token(["alice"]);
    mounted(&machine, "--bind /var/disk", "", || {
        let su = su(&machine, &token, "echo in $BEARER_TOKEN_FILE").expect_success();
        assert_eq!(su.stdout, "in\n");
    });
    works_after(&machine);
}

fn works_after(machine: &Machine) {
    machine.write(SETTINGS, ISSUE.replace("\"su\"", "\"su\", \"su-l\""), 0o644);
    works(machine);
}

/// su and sudo run under the limits of whoever starts them, and a write beyond this one would
/// kill them (SIGXFSZ).
#[test]
fn a_limit_on_the_size_of_files_kills_nobody() {
    let machine = machine();
    let limited = ["bash", "-c", "ulimit -f 0; exec \"$@\"", "bash"];
    fails_after(
        &machine,
        &limited,
        "the limit on the size of files is 0 bytes (ulimit -f)",
    );
    let token = machine.token(["alice"]);
    let by_bob = |answer: &str| {
        let su = machine
            .command(limited)
            .args(["su", "alice", "-c", "echo in $BEARER_TOKEN_FILE"]);
        su.user("bob").stdin(format!("{answer}\n")).run()
    };
    for answer in [PASSWORD, &token] {
        let mark = machine.mark();
        let su = by_bob(answer).expect_success();
        assert_eq!(su.stdout, "in\n", "{su}");
        let line = machine.wait_for_log(mark, "reason=issue_failed ");
        assert!(line.message.contains("ulimit -f"), "{}", line.message);
    }
    // So does sudo, where it has not to write down itself that somebody gave a password.
    machine.write(
        "/etc/sudoers.d/alice",
        "alice ALL=(ALL) NOPASSWD: ALL\n",
        0o440,
    );
    machine.append(SETTINGS, "accounts = [\"root\"]\n");
    let sudo = |limited: &[&str]| {
        let sudo = ["sudo", "sh", "-c", "echo in $BEARER_TOKEN_FILE"];
        let sudo = machine.command(limited.iter().chain(&sudo)).user("alice");
        sudo.run().expect_success().stdout
    };
    assert!(sudo(&[]).starts_with("in /run/pam-jwt/0/"));
    let mark = machine.mark();
    assert_eq!(sudo(&limited), "in\n");
    let line = machine.wait_for_log(
        mark,
        "pam_jwt(sudo:session): result=failed reason=issue_failed ",
    );
    assert!(line.message.contains("ulimit -f"), "{}", line.message);
    assert_eq!(files(&machine, RUN), [""; 0]);
    // A session that is to end with its token has to be told so. Of a refusal su itself would
    // write down that it was, and be killed for that.
    sh(&machine, "rm -f /var/log/btmp");
    machine.write(SETTINGS, format!("{ENDS}{ISSUE}"), 0o644);
    let mark = machine.mark();
    let su = by_bob(&token).expect_code(1);
    assert_eq!(su.stdout, "", "{su}");
    let line = machine.wait_for_log(mark, "result=refused reason=handoff_unwritten ");
    assert!(line.message.contains("ulimit -f"), "{}", line.message);
}

/// Once the session has begun without a token it stays so: what setcred made afterwards, in the
/// process that becomes the user's shell, no close_session would take away.
#[test]
fn what_is_mended_after_the_session_has_begun_is_for_the_next_one() {
    let machine = machine();
    machine.write(
        "/etc/mend",
        "#!/bin/sh\n[ $PAM_TYPE != open_session ] || mv /root/key /etc/pam-jwt/private/local.jwk\n",
        0o755,
    );
    let mend = "session optional pam_exec.so seteuid /etc/mend";
    for service in ["su", "sudo", "sshd"] {
        sh(
            &machine,
            &format!("sed -i 's,^session optional pam_jwt.*,&\\n{mend},' /etc/pam.d/{service}"),
        );
    }
    let _sshd = machine.sshd(&[]);
    let break_it = || sh(&machine, &format!("mv {KEY} /root/key"));
    break_it();
    let su = su(&machine, PASSWORD, "echo in $BEARER_TOKEN_FILE").expect_success();
    assert_eq!(su.stdout, "in\n", "{su}");
    assert_eq!(files(&machine, RUN), [""; 0]);
    break_it();
    for tty in ["no", "force"] {
        let ssh = machine
            .ssh("alice")
            .answers([PASSWORD])
            .option(&format!("RequestTTY={tty}"));
        let login = ssh.command("echo in $BEARER_TOKEN_FILE");
        assert_eq!(login.stdout.trim_end(), "in", "{login}");
        if tty == "no" {
            break_it();
        }
    }
    super::settled(&machine, &[]);
}

//! What sshd tells PAM of the methods that have succeeded (SSH_AUTH_INFO_0 in the PAM
//! environment), by method, phase and release: the record that src/system/ssh_auth_info.rs
//! reads by. pam_exec shows it, whose command has the environment of the PAM transaction and
//! no other.

use std::fs;
use std::process;
use std::sync::OnceLock;

use machine::{Login, Machine, in_pieces};

const BOTH: &str = "publickey,keyboard-interactive";
const UNSET: &str = "(unset)";

/// A record is what the variable holds, and the separator that cannot be in it.
const RECORD: &str = r#"#!/bin/sh
printf '%s\036' "${SSH_AUTH_INFO_0-(unset)}" >>"/run/records/$PAM_SERVICE.$PAM_TYPE"
"#;

/// Keys of alice's, all of them root's to use as /root/NAME, and what ssh-keygen makes them with.
const KEYS: [(&str, &str); 8] = [
    ("ed25519", "-t ed25519"),
    ("p256", "-t ecdsa -b 256"),
    ("p384", "-t ecdsa -b 384"),
    ("p521", "-t ecdsa -b 521"),
    ("rsa", "-t rsa -b 2048"),
    ("ed25519-sk", "-t ed25519-sk -w /root/security_key.so"),
    ("ecdsa-sk", "-t ecdsa-sk -w /root/security_key.so"),
    ("certified", "-t ecdsa"),
];

/// Gives alice her keys; root's logins from this machine are hers too (hostbased).
fn prepare(machine: &Machine) {
    machine.write("/root/security_key.so", security_key(), 0o755);
    machine
        .run(["install", "-d", "-o", "alice", "/home/alice/.ssh"])
        .expect_success();
    for (name, options) in KEYS {
        let make = format!(
            "ssh-keygen -q {options} -N '' -f /root/{name} &&
            cat /root/{name}.pub >>/home/alice/.ssh/authorized_keys"
        );
        machine.run(["sh", "-c", &make]).expect_success();
    }
    // The certified key is accepted for its certificate only. ssh-keysign has the host's key
    // in one place.
    let rest = "cd /root && sed -i '$d' /home/alice/.ssh/authorized_keys
        ssh-keygen -q -t ed25519 -N '' -f ca && cp ca.pub /etc/ssh/ca.pub
        ssh-keygen -q -s ca -I alice -n alice certified.pub
        cd /etc/ssh && rm -f ssh_host_*
        ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key
        echo 'EnableSSHKeysign yes' >ssh_config
        for name in localhost machine; do
            echo $name $(cat ssh_host_ed25519_key.pub) >>ssh_known_hosts
            echo $name root >>shosts.equiv
        done";
    machine.run(["sh", "-ec", rest]).expect_success();
}

/// The library that stands in for the hardware.
fn security_key() -> &'static [u8] {
    static LIBRARY: OnceLock<Vec<u8>> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/hosts/security_key.c");
        let library = format!(
            "{}/security_key.{}",
            env!("CARGO_TARGET_TMPDIR"),
            process::id()
        );
        let status = process::Command::new("cc")
            .args(["-shared", "-fPIC", "-o", &library, source, "-lcrypto"])
            .status();
        assert!(status.expect("cc: `make packages`").success());
        let bytes = fs::read(&library).expect("what cc made");
        fs::remove_file(&library).expect("what cc made");
        bytes
    })
}

/// Writes down what the variable holds as each phase of a service begins.
fn record(machine: &Machine, service: &str) {
    machine.write("/etc/record", RECORD, 0o755);
    machine
        .run(["mkdir", "-p", "/run/records"])
        .expect_success();
    for phase in ["auth", "account", "session"] {
        let line = format!("{phase} optional pam_exec.so seteuid quiet /etc/record");
        machine.pam_line(service, &line);
    }
}

/// Forgets what was written down. The session before may be closing still, which is not read.
fn forget(machine: &Machine) {
    let script = "cd /run/records && rm -f *.auth *.account *.open_session";
    machine.run(["sh", "-c", script]).expect_success();
}

/// What was written down in a phase since [`forget`].
fn records(machine: &Machine, phase: &str) -> Vec<String> {
    let path = format!("/run/records/{phase}");
    let text = machine.inside(|| fs::read_to_string(path).unwrap_or_default());
    let records = text.split_terminator('\u{1e}');
    records.map(str::to_owned).collect()
}

/// `TYPE BASE64` of a public key in a file.
fn key(machine: &Machine, file: &str) -> String {
    let text = machine.read(file);
    let words: Vec<&str> = text.split_whitespace().take(2).collect();
    words.join(" ")
}

/// What sshd tells of a key of alice's.
fn proved(machine: &Machine, name: &str) -> String {
    format!("publickey {}\n", key(machine, &format!("/root/{name}.pub")))
}

/// Since 9.8, sshd tells PAM of the methods whichever it asks for; before, where it is
/// keyboard-interactive.
fn tells_under_password(machine: &Machine) -> bool {
    let version = machine
        .run(["sh", "-c", "ssh -V 2>&1"])
        .expect_success()
        .stdout;
    let digits = version.strip_prefix("OpenSSH_").expect("OpenSSH");
    let mut numbers = digits.split(|c: char| !c.is_ascii_digit());
    let mut number = || numbers.next().and_then(|text| text.parse::<u32>().ok());
    (number(), number()) >= (Some(9), Some(8))
}

/// A login as alice by these methods, in this order, with these keys.
fn login<'m>(machine: &'m Machine, methods: &str, keys: &[&str]) -> machine::Ssh<'m> {
    let ssh = machine
        .ssh("alice")
        .option(&format!("PreferredAuthentications={methods}"))
        .option("SecurityKeyProvider=/root/security_key.so")
        .option("HostbasedAuthentication=yes")
        .option("IdentitiesOnly=yes");
    // Without one named, ssh would look for its own.
    let keys = if keys.is_empty() { &["none"] } else { keys };
    keys.iter().fold(ssh, |ssh, key| {
        ssh.option(&format!("IdentityFile=/root/{key}"))
    })
}

fn accepted(login: &Login) {
    assert_eq!(login.code(), Some(0), "{login}");
}

const TRUSTS: [&str; 4] = [
    "TrustedUserCAKeys /etc/ssh/ca.pub",
    "HostbasedAuthentication yes",
    "HostbasedUsesNameFromPacketOnly yes",
    "IgnoreRhosts no",
];

fn sshd<'m>(machine: &'m Machine, methods: &str, more: &[&str]) -> machine::Sshd<'m> {
    let methods = format!("AuthenticationMethods {methods}");
    machine.sshd(&[&[&*methods], &TRUSTS[..], more].concat())
}

/// What is told in each phase: `before` while a method asks PAM, and when the session opens
/// `all` of it.
fn each_method(machine: &Machine) {
    machine.account("alice");
    machine.password("alice", "secret");
    prepare(machine);
    record(machine, "sshd");
    let under_password = tells_under_password(machine);
    let expect = |methods: &str, keys: &[&str], before: &str, all: &str| {
        forget(machine);
        let _sshd = sshd(machine, methods, &[]);
        let login = login(machine, methods, keys)
            .answers(["secret"])
            .command("env");
        accepted(&login);
        let auth = match methods {
            "publickey" => vec![],
            _ if methods.contains("password") && !under_password => vec![UNSET],
            _ => vec![before],
        };
        assert_eq!(records(machine, "sshd.auth"), auth, "{methods} {keys:?}");
        assert_eq!(
            records(machine, "sshd.account"),
            [before],
            "{methods} {keys:?}"
        );
        assert_eq!(
            records(machine, "sshd.open_session"),
            [all],
            "{methods} {keys:?}"
        );
        assert!(!login.stdout.contains("SSH_AUTH_INFO"), "{login}");
    };
    let proved = |name: &str| proved(machine, name);
    const ASKED: &str = "keyboard-interactive/pam\n";

    expect("keyboard-interactive", &[], "", ASKED);
    expect("password", &[], "", "password\n");
    let first = proved("ed25519");
    expect("publickey", &["ed25519"], "", &first);
    for (name, _) in KEYS {
        // Of a certificate, all of it.
        let line = match name {
            "certified" => proved("certified-cert"),
            _ => proved(name),
        };
        expect(BOTH, &[name], &line, &format!("{line}{ASKED}"));
    }
    let both = format!("{first}{}", proved("p256"));
    expect(
        "publickey,publickey,keyboard-interactive",
        &["ed25519", "p256"],
        &both,
        &format!("{both}{ASKED}"),
    );
    expect(
        "publickey,password",
        &["ed25519"],
        &first,
        &format!("{first}password\n"),
    );
    // Nothing is proved yet.
    expect(
        "keyboard-interactive,publickey",
        &["ed25519"],
        "",
        &format!("{ASKED}{first}"),
    );
    let host = format!(
        "hostbased {}\n",
        key(machine, "/etc/ssh/ssh_host_ed25519_key.pub")
    );
    expect(
        "hostbased,keyboard-interactive",
        &[],
        &host,
        &format!("{host}{ASKED}"),
    );

    // What it has told stays told in that connection: another key that it refused, and a
    // method that failed, are not in it.
    forget(machine);
    let _sshd = sshd(machine, &format!("{BOTH} publickey,password"), &[]);
    let methods = "publickey,keyboard-interactive,password";
    let both = login(machine, methods, &["ca", "ed25519"]).answers(["wrong", "secret"]);
    accepted(&both.command("true"));
    assert_eq!(records(machine, "sshd.auth"), [&*first, &*first]);
}

#[test]
fn what_each_method_proved_is_told_here() {
    each_method(&Machine::boot());
}

#[test]
fn what_each_method_proved_is_told_by_the_other_release() {
    each_method(&Machine::boot_other_debian());
}

/// The user sets the variable wherever there is a way to, as if it were another key that was
/// proved: in what the client sends, in files that sshd and pam_env read, and for su and sudo.
fn nothing_of_the_users(machine: &Machine) {
    machine.account("alice");
    machine.password("alice", "secret");
    prepare(machine);
    let under_password = tells_under_password(machine);
    machine.write(
        "/etc/sudoers.d/alice",
        "alice ALL=(ALL) SETENV: ALL\n",
        0o440,
    );
    for service in ["sshd", "su", "sudo"] {
        record(machine, service);
        for phase in ["auth", "session"] {
            machine.pam_line(
                service,
                &format!("{phase} required pam_env.so user_readenv=1"),
            );
        }
    }
    let lie = format!("publickey {}", key(machine, "/root/ca.pub"));
    let lies = "cd /home/alice
        echo \"SSH_AUTH_INFO_0=$0\" >.ssh/environment
        echo \"SSH_AUTH_INFO_0 DEFAULT=\\\"$0\\\"\" >.pam_environment
        echo \"environment=\\\"SSH_AUTH_INFO_0=$0\\\" $(cat /root/ed25519.pub)\" >.ssh/authorized_keys
        chown alice .ssh/environment .pam_environment .ssh/authorized_keys";
    machine.run(["sh", "-ec", lies, &lie]).expect_success();

    let first = proved(machine, "ed25519");
    for (methods, expected) in [
        ("keyboard-interactive", ""),
        ("password", if under_password { "" } else { UNSET }),
        (BOTH, &first),
    ] {
        forget(machine);
        let _sshd = sshd(
            machine,
            methods,
            &["AcceptEnv *", "PermitUserEnvironment yes"],
        );
        let mut ssh = login(machine, methods, &["ed25519"]).answers(["secret"]);
        if methods == "keyboard-interactive" {
            ssh = ssh.option(&format!("SetEnv=SSH_AUTH_INFO_0=\"{lie}\""));
        }
        let login = ssh.command(
            "printf '%s\\n' \"$SSH_AUTH_INFO_0\"
            echo secret | sudo -k -S id -un; echo secret | sudo -k -S -E id -un
            echo secret | sudo -k -S SSH_AUTH_INFO_0=\"$SSH_AUTH_INFO_0\" id -un
            echo secret | su -m alice -c 'id -un'",
        );
        // The user's own programs are told it, and the modules when the session opens.
        accepted(&login);
        let output = format!("{lie}\nroot\nroot\nroot\nalice\n");
        assert_eq!(login.stdout, output, "{login}");
        assert_eq!(records(machine, "sshd.open_session"), [&*lie], "{methods}");
        // Not when they judge.
        assert_eq!(records(machine, "sshd.auth"), [expected], "{methods}");
        let account = if expected == UNSET { "" } else { expected };
        assert_eq!(records(machine, "sshd.account"), [account], "{methods}");
        for phase in ["sudo.auth", "sudo.account"] {
            assert_eq!(records(machine, phase), [UNSET; 3], "{methods} {phase}");
        }
        for phase in ["su.auth", "su.account"] {
            assert_eq!(records(machine, phase), [UNSET], "{methods} {phase}");
        }
    }
}

#[test]
fn nothing_that_the_user_sets_is_told_here() {
    nothing_of_the_users(&Machine::boot());
}

#[test]
fn nothing_that_the_user_sets_is_told_by_the_other_release() {
    nothing_of_the_users(&Machine::boot_other_debian());
}

/// Logins with tokens that are bound to a key, where sshd tells of it and where not.
fn bound_logins(machine: &Machine) {
    machine.make_ready();
    prepare(machine);
    machine.append("/etc/pam-jwt/issuers.d/local.toml", "bound = true\n");
    let bound_to = |file: &str| machine.token(["alice", "--bind", file]);
    let token = bound_to("/root/ed25519.pub");
    let by = |methods: &str, key: &str, token: &str| {
        let _sshd = sshd(machine, methods, &[]);
        let answers = match methods {
            "publickey,password" => vec![token.to_owned()],
            _ => in_pieces(token),
        };
        login(machine, methods, &[key])
            .answers(answers)
            .command("id -un")
    };
    let refused = |login: &Login| {
        assert_eq!(login.code(), Some(255), "{login}");
        let line = "result=refused reason=key_bound ";
        let logged = login.log.iter().any(|one| one.message.contains(line));
        assert!(logged, "{login}");
    };
    for (name, _) in KEYS {
        accepted(&by(BOTH, name, &bound_to(&format!("/root/{name}.pub"))));
    }
    refused(&by(BOTH, "p256", &token));
    refused(&by("keyboard-interactive,publickey", "ed25519", &token));
    let host = bound_to("/etc/ssh/ssh_host_ed25519_key.pub");
    refused(&by("hostbased,keyboard-interactive", "none", &host));
    let by_password = by("publickey,password", "ed25519", &token);
    if tells_under_password(machine) {
        accepted(&by_password);
    } else {
        refused(&by_password);
    }
}

/// Checklist: A.28
#[test]
fn a_bound_token_logs_in_where_its_key_is_told_here() {
    bound_logins(&Machine::boot());
}

/// Checklist: A.28
#[test]
fn a_bound_token_logs_in_where_its_key_is_told_by_the_other_release() {
    bound_logins(&Machine::boot_other_debian());
}

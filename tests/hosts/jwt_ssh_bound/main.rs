//! jwt-ssh offers the SSH key that a token is bound to, and no other before it.

mod early;
mod offered;
mod status;

use machine::{LogLine, Machine, Mark, Output, Sshd};

const BOTH: &str = "AuthenticationMethods publickey,keyboard-interactive";

/// A machine where tokens have to be bound, and where sshd takes each of carol's keys for
/// alice: `id_ed25519`, which ssh offers unasked, and the ones named, all of them in
/// /home/carol/keys. `more` are among them.
fn machine_with(more: &[&str]) -> Machine {
    let machine = Machine::with_client();
    machine.append("/etc/pam-jwt/issuers.d/local.toml", "bound = true\n");
    let make = format!(
        "mkdir -p ~/keys ~/.ssh && cd ~/keys && for key in id_ed25519 {}; do
             ssh-keygen -q -t ed25519 -N '' -C \"carol's $key\" -f $key || exit
         done && mv id_ed25519* ~/.ssh",
        more.join(" ")
    );
    script(&machine, &make).expect_success();
    let accept = "install -d -o alice -m 700 /home/alice/.ssh &&
        cat /home/carol/keys/*.pub /home/carol/.ssh/*.pub >/home/alice/.ssh/authorized_keys";
    machine.run(["sh", "-c", accept]).expect_success();
    machine
}

fn sshd(machine: &Machine) -> Sshd<'_> {
    machine.known_sshd(&[BOTH, "LogLevel VERBOSE", "Subsystem sftp internal-sftp"])
}

/// A script of carol's.
fn script(machine: &Machine, script: &str) -> Output {
    let text = format!("cd; {script}");
    machine
        .command(["bash", "-ec", &text])
        .user("carol")
        .env("BEARER_TOKEN_FILE", "/home/carol/token")
        .run()
}

/// Has carol's token be bound to a key of hers.
fn bind(machine: &Machine, key: &str) {
    let token = machine.token(["alice", "--bind", &format!("/home/carol/{key}.pub")]);
    machine.write("/home/carol/token", token, 0o644);
}

/// A script with an ssh-agent of carol's that has these keys, in this order.
fn with_agent(keys: &str, script: &str) -> String {
    format!(
        "eval $(ssh-agent) >/dev/null; trap 'ssh-agent -k >/dev/null' EXIT
         ssh-add -q {keys}
         {script}"
    )
}

/// carol's configuration of ssh.
fn configure(machine: &Machine, text: &str) {
    machine.write_as("carol", "/home/carol/.ssh/config", text, 0o600);
}

const TEN: [&str; 10] = ["k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "k10"];
const ALL_TEN: &str = "keys/k1 keys/k2 keys/k3 keys/k4 keys/k5 keys/k6 keys/k7 keys/k8 keys/k9 \
                       keys/k10";
const LOGIN: &str = "jwt-ssh alice@machine id -un";

/// The fingerprint by which sshd calls a key of carol's.
fn fingerprint(machine: &Machine, key: &str) -> String {
    let file = format!("/home/carol/{key}.pub");
    let line = machine.run(["ssh-keygen", "-lf", &file]).expect_success();
    let word = line.stdout.split(' ').nth(1).expect("a fingerprint");
    word.to_owned()
}

/// The keys that came to sshd, in order: those that it would take, has taken and has not.
fn keys_seen(log: &[LogLine]) -> Vec<String> {
    let of_line = |line: &LogLine| {
        let message = &line.message;
        let is_about_a_key = ["Accepted key", "Partial publickey", "Failed publickey"]
            .iter()
            .any(|start| message.starts_with(start));
        let mut words = message.split(' ').filter(|_| is_about_a_key);
        words
            .find(|word| word.starts_with("SHA256:"))
            .map(str::to_owned)
    };
    log.iter().filter_map(of_line).collect()
}

/// The script logs in as alice and says nothing else, and no other key than this one is
/// offered meanwhile.
#[track_caller]
fn expect_first(machine: &Machine, key: &str, text: &str) {
    let mark = machine.mark();
    let output = script(machine, text);
    assert_eq!(output.code(), Some(0), "{output}");
    assert_eq!(
        (&*output.stdout, &*output.stderr),
        ("alice\n", ""),
        "{output}"
    );
    let log = machine.log_since(mark);
    let expected = fingerprint(machine, key);
    let seen = keys_seen(&log);
    assert!(
        seen.len() >= 2 && seen.iter().all(|one| *one == expected),
        "{key} is {expected}, and sshd saw {seen:#?}\n{output}"
    );
    let partial = format!("ED25519 {expected}");
    assert!(
        log.iter()
            .any(|line| line.message.contains("Partial publickey")
                && line.message.ends_with(&partial)),
        "{log:#?}"
    );
}

/// The server has seen these keys of carol's, in this order, and refused the token.
#[track_caller]
fn expect_refused(machine: &Machine, mark: Mark, output: &Output, keys: &[&str]) {
    assert_eq!(output.code(), Some(255), "{output}");
    machine.wait_for_log(mark, "result=refused reason=key_bound");
    let mut seen = keys_seen(&machine.log_since(mark));
    seen.dedup();
    let expected: Vec<String> = keys.iter().map(|key| fingerprint(machine, key)).collect();
    assert_eq!(seen, expected, "{output}");
}

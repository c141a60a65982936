//! Where jwt-ssh's token comes from, what it looks at before it answers, and what it says
//! of that: `jwt-ssh status`.

mod checks;
mod command;
mod job;
mod names;
mod places;
mod server;
mod status;

use base64ct::{Base64UrlUnpadded, Encoding};
use machine::{Command, Machine, Mark, Output, Sshd};
use serde_json::{Value, json};

/// alice's account, where nothing but a token leads.
fn machine() -> Machine {
    let machine = Machine::with_client();
    let stack = "auth requisite pam_jwt.so\nauth required pam_permit.so\n\
                 account required pam_permit.so\nsession required pam_permit.so\n";
    machine.write("/etc/pam.d/sshd", stack, 0o644);
    machine
}

fn sshd(machine: &Machine) -> Sshd<'_> {
    machine.known_sshd(&["PasswordAuthentication no"])
}

/// carol logs in as alice, with these options.
fn login<'m>(machine: &'m Machine, options: &[&str]) -> Command<'m> {
    to(machine, options, "alice@machine")
}

fn to<'m>(machine: &'m Machine, options: &[&str], host: &str) -> Command<'m> {
    machine
        .command(["jwt-ssh"])
        .args(options)
        .args([host, "id -un"])
        .user("carol")
}

/// A script of carol's, in her home.
fn script<'m>(machine: &'m Machine, script: &str) -> Command<'m> {
    machine
        .command(["bash", "-ec", &format!("cd\n{script}")])
        .user("carol")
}

#[track_caller]
fn expect_login(output: Output) {
    assert_eq!(output.code(), Some(0), "{output}");
    assert_eq!(
        (&*output.stdout, &*output.stderr),
        ("alice\n", ""),
        "{output}"
    );
}

/// jwt-ssh says once why, with these words, and no token comes to the server.
#[track_caller]
fn expect_not_sent(machine: &Machine, command: Command<'_>, words: &[&str]) -> Output {
    let mark = machine.mark();
    let output = command.run();
    assert_eq!(output.code(), Some(255), "{output}");
    assert!(output.stderr.starts_with("jwt-ssh: "), "{output}");
    assert_eq!(output.stderr.matches("jwt-ssh: ").count(), 1, "{output}");
    for word in words {
        assert!(output.stderr.contains(word), "{word:?}\n{output}");
    }
    machine.wait_for_log(mark, "Connection closed by authenticating user alice");
    assert_eq!(tokens_seen(machine, mark), [""; 0], "{output}");
    output
}

/// What the module said of tokens since then; of what is none it says nothing.
fn tokens_seen(machine: &Machine, mark: Mark) -> Vec<String> {
    let log = machine.log_since(mark).into_iter();
    log.map(|line| line.message)
        .filter(|message| message.contains("pam_jwt("))
        .collect()
}

/// Has the server accept tokens for these audiences too.
fn server_goes_by(machine: &Machine, audiences: &[&str]) {
    let path = "/etc/pam-jwt/issuers.d/local.toml";
    let known = "\"ssh://{hostname}\"";
    let text = machine.read(path);
    assert!(text.contains(known), "{text}");
    let all = audiences.iter().fold(known.to_owned(), |all, audience| {
        format!("{all}, {audience:?}")
    });
    machine.write(path, text.replace(known, &all), 0o644);
}

/// carol's settings.
fn settings(machine: &Machine, text: &str) {
    machine.write("/home/carol/.config/jwt-ssh/config.toml", text, 0o644);
}

/// A token that nobody signed: what jwt-ssh looks at is not the signature.
fn unsigned(claims: &Value) -> String {
    let header = json!({ "alg": "EdDSA", "typ": "JWT" });
    let [header, claims] =
        [&header, claims].map(|part| Base64UrlUnpadded::encode_string(part.to_string().as_bytes()));
    format!("{header}.{claims}.AQIDBA")
}

/// carol's user id, by which places of tokens are called.
fn carols_id(machine: &Machine) -> String {
    let id = machine.run(["id", "-u", "carol"]).expect_success();
    id.stdout.trim().to_owned()
}

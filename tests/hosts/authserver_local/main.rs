//! Tokens for the users of the machine itself: `jwt-ssh token`, and the socket behind it.

mod faults;
mod people;

use base64ct::{Base64UrlUnpadded, Encoding};
use machine::{AuthServer, Command, Machine, Output, Setup};
use serde_json::Value;

const SOCKET: &str = "/run/pam-jwt-authserver/local";

const SETTINGS: &str = "
[local]
accounts = [\"backup\"]
[scopes.ssh]
description = \"log in to hosts\"
audiences = [\"ssh://*\"]
[scopes.api]
description = \"use the API\"
audiences = [\"https://api.example.org\"]
groups = [\"ops\"]
groups_claim = true
";

/// A machine with alice and bob, of whom alice is in ops.
fn machine() -> Machine {
    let machine = Machine::ready();
    machine.account("bob");
    machine.run(["groupadd", "ops"]).expect_success();
    let join = ["usermod", "--append", "--groups", "ops", "alice"];
    machine.run(join).expect_success();
    machine
}

fn server(machine: &Machine) -> Setup<'_> {
    AuthServer::on(machine).settings(SETTINGS)
}

/// As somebody runs it, with the groups that are theirs.
fn jwt_ssh_token<'m>(machine: &'m Machine, user: &str, words: &[&str]) -> Command<'m> {
    let command = ["setpriv", "--reuid", user, "--regid", user, "--init-groups"];
    let command = machine.command(command);
    command.args(["jwt-ssh", "token"]).args(words)
}

/// The one token that was printed.
#[track_caller]
fn printed(output: &Output) -> String {
    assert_eq!((output.code(), &*output.stderr), (Some(0), ""), "{output}");
    let token = output.stdout.strip_suffix('\n').expect("a line");
    assert!(
        token.bytes().all(|byte| byte.is_ascii_graphic()),
        "{output}"
    );
    token.to_owned()
}

/// What the token says.
#[track_caller]
fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("three parts");
    let part = Base64UrlUnpadded::decode_vec(part).expect("base64url");
    serde_json::from_slice(&part).expect("JSON")
}

/// Says something to the socket as somebody, and shuts that direction where `ends`; all that
/// comes back, until the server closes.
fn say(machine: &Machine, user: &str, said: &[u8], ends: bool) -> Output {
    let script = "import socket, sys\n\
        said = sys.stdin.buffer.read()\n\
        server = socket.socket(socket.AF_UNIX)\n\
        server.connect(sys.argv[1])\n\
        try: server.sendall(said)\n\
        except BrokenPipeError: pass\n\
        if sys.argv[2] == 'True': server.shutdown(socket.SHUT_WR)\n\
        try:\n\
        \x20   while came := server.recv(65536): sys.stdout.write(came.decode())\n\
        except ConnectionResetError: pass\n";
    let ends = if ends { "True" } else { "False" };
    let python = machine.command(["python3", "-c", script, SOCKET, ends]);
    python.user(user).stdin(said).run().expect_success()
}

/// The error that was said, and its description.
#[track_caller]
fn error(output: &Output) -> (String, String) {
    let lines = output.stdout.lines().count();
    assert!(lines == 1 && output.stdout.ends_with('\n'), "{output}");
    let said: Value = serde_json::from_str(&output.stdout).expect("JSON");
    let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
    (text("error"), text("error_description"))
}

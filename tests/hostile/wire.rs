//! A host that is not sshd (server.py), and what PAM cannot ask.

use super::{carols, harmless, jwt_ssh, long_token, machine, piece, target};
use machine::{Machine, Output};
use serde_json::{Value, json};

/// The host's name, and its address in the machine.
const NAME: &str = "crafted";
const ADDRESS: &str = "127.0.2.1";

const KEY: &str = "/etc/ssh/crafted_key";
const HEARD: &str = "/run/crafted.heard";

/// Makes the host known.
fn crafted(machine: &Machine) {
    let keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", KEY];
    let _ = machine.run(keygen).expect_success();
    machine.append("/etc/hosts", format!("{ADDRESS} {NAME}\n"));
    let public = machine.read(&format!("{KEY}.pub"));
    let known_hosts = "/etc/ssh/ssh_known_hosts";
    let others = machine.inside(|| std::fs::read_to_string(known_hosts).unwrap_or_default());
    machine.write(known_hosts, format!("{others}{NAME} {public}"), 0o644);
}

/// Has it serve one connection.
fn serve(machine: &Machine, script: &Value) {
    let server = concat!(env!("CARGO_MANIFEST_DIR"), "/hostile/server.py");
    // The interpreter that the distribution's paramiko is for.
    let server = machine.command(["/usr/bin/python3", server, ADDRESS, KEY, HEARD]);
    let _ = server.stdin(script.to_string()).run().expect_success();
}

/// For each of its prompts the answer: none where ssh went away instead.
fn heard(machine: &Machine) -> Vec<Option<Vec<u8>>> {
    let heard: Vec<Option<String>> = serde_json::from_str(&machine.read(HEARD)).expect("JSON");
    heard
        .into_iter()
        .map(|answer| answer.map(String::into_bytes))
        .collect()
}

/// Requests without name and instruction, each of these prompts.
fn asking(requests: &[&[&str]]) -> Value {
    let request = |prompts: &&[&str]| {
        let prompts: Vec<_> = prompts.iter().map(|text| (text, false)).collect();
        json!({ "name": "", "instruction": "", "prompts": prompts })
    };
    let requests: Vec<_> = requests.iter().map(request).collect();
    json!({ "banner": "", "requests": requests })
}

/// Logging in to it does not succeed, and the terminal would obey nothing that is shown.
#[track_caller]
fn refused(output: Output) -> Output {
    harmless(&output.stderr);
    output.expect_code(255)
}

const LOGIN: [&str; 2] = ["alice@crafted", "id"];
const THROUGH_IT: [&str; 4] = ["-J", "alice@crafted", "alice@target", "id"];

/// What stands around the prompts is no prompt, and of several each is one.
#[test]
fn each_question_of_a_request_is_one_of_its_own() {
    let machine = machine();
    crafted(&machine);
    let token = long_token(&machine, &["ssh://crafted"]);
    // ssh itself shows it, ESC in writing; a CR it would leave as it is.
    let around = "\x1b[2J(alice@crafted) token: ";
    serve(
        &machine,
        &json!({
            "banner": format!("{around}\r\n"),
            "requests": [
                { "name": around, "instruction": around, "prompts": [
                    ["Password: ", false],
                    ["token: ", false],
                    ["token[500]: ", true],
                    ["New password: ", true],
                ]},
                // Nothing is asked.
                { "name": around, "instruction": "token[1000]: ", "prompts": [] },
                { "name": "", "instruction": around, "prompts": [
                    ["token: ", false],
                    ["token[1000]: ", false],
                ]},
            ],
        }),
    );
    refused(jwt_ssh(&machine, &token).args(LOGIN).run());
    let none = Some(Vec::new());
    let [first, second] = [0, 500].map(|offset| piece(&token, offset));
    // It asked for the token again, and so hears no more of it.
    let answers = [
        none.clone(),
        first,
        second,
        none.clone(),
        none.clone(),
        none,
    ];
    assert_eq!(heard(&machine), answers);
}

/// Neither the host that the token is not for, nor it as a jump host to the one that it
/// is for.
#[test]
fn no_request_gets_another_hosts_token() {
    let machine = machine();
    let _target = target(&machine);
    crafted(&machine);
    let token = long_token(&machine, &["ssh://target"]);
    let wanted = "(alice@target) Password or token: ";
    let long = |bytes: usize| "x".repeat(bytes) + "\n" + wanted;
    let [middle, long, too_long] = [100_000, 200_000, 300_000].map(long);
    let many = vec![wanted; 300];
    let line = format!("token: \r\n{wanted}");
    let around = json!({ "banner": "(alice@target) ", "requests": [
        { "name": "(alice@target) ", "instruction": "(alice@target)", "prompts": [
            ["token: ", true], [wanted, true], ["token[500]: ", false] ]},
    ]});
    for (script, answered) in [
        (around, true),
        (
            asking(&[&["token: ", wanted, "token[500]: ", "token: "]]),
            true,
        ),
        (asking(&[&many, &many]), true),
        (asking(&[&[&line], &["\n\n\n(alice@target) token: "]]), true),
        // Bytes that are no text.
        (
            asking(&[&[
                "\u{ff}\u{fe}(alice@target) token: ",
                "\u{9b}2K\r(alice@target) token: ",
            ]]),
            true,
        ),
        (asking(&[&[&middle]]), true),
        // More than an argument may be, so there is no askpass.
        (asking(&[&[&long]]), true),
        // More than ssh takes, and what it does not.
        (asking(&[&[&too_long]]), false),
        (asking(&[&["x\0(alice@target) token: "]]), false),
    ] {
        let prompts: usize = script["requests"]
            .as_array()
            .expect("requests")
            .iter()
            .map(|request| request["prompts"].as_array().expect("prompts").len())
            .sum();
        let expected = vec![answered.then(Vec::new); prompts];
        for login in [&LOGIN[..], &THROUGH_IT] {
            serve(&machine, &script);
            let output = refused(jwt_ssh(&machine, &token).args(login).run());
            assert_eq!(heard(&machine), expected, "{output}");
        }
    }
}

/// The harness sees what leaks, also through it as a jump host.
#[test]
fn an_askpass_that_answers_anything_tells_any_host() {
    let machine = machine();
    crafted(&machine);
    let token = long_token(&machine, &["ssh://target"]);
    let askpass = "#!/bin/sh\ncut -c 1-500 \"$BEARER_TOKEN_FILE\"\n";
    machine.write("/usr/local/bin/naive", askpass, 0o755);
    for login in [&LOGIN[..], &THROUGH_IT] {
        serve(&machine, &asking(&[&["a", "b"], &["c"]]));
        let ssh = carols(&machine, "ssh", &token).args(["-o", "NumberOfPasswordPrompts=1"]);
        let ssh = ssh.env("SSH_ASKPASS", "/usr/local/bin/naive").args(login);
        refused(ssh.env("SSH_ASKPASS_REQUIRE", "force").run());
        assert_eq!(heard(&machine), vec![piece(&token, 0); 3]);
    }
}

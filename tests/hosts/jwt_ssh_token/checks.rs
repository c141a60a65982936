//! What is looked at before the token leaves.

use super::*;

const FAR: u64 = 9_999_999_999;

#[test]
fn a_token_for_another_time_is_not_sent() {
    let machine = machine();
    let _sshd = sshd(&machine);
    let early = machine.token([
        "alice",
        "--claim",
        &format!("nbf={FAR}"),
        "--lifetime",
        "30d",
    ]);
    let endless = unsigned(&json!({ "aud": "ssh://machine", "sub": "alice" }));
    let expired = machine.token(["alice", "--lifetime", "1h"]);
    machine.set_clock("+3h");
    for (token, word) in [
        (early, "it is valid only in "),
        (endless, "it has no exp"),
        (expired, "it expired 2h ago; get a new one"),
    ] {
        let words = ["the token was not sent to machine: ", word];
        for options in [&[][..], &["--force"]] {
            let login = login(&machine, options).env("BEARER_TOKEN", &token);
            expect_not_sent(&machine, login, &words);
        }
    }
}

/// `--force` lets the token go, and the host says what it thinks of it.
#[test]
fn a_token_for_another_host_is_sent_by_force_alone() {
    let machine = machine();
    let _sshd = sshd(&machine);
    let exp = FAR;
    let of = |audience: &str| machine.token(["alice", "--audience", audience]);
    let reads = "it is for ssh://other, not for ssh://machine. ";
    for (token, word, reason) in [
        (of("ssh://other"), reads, "audience_mismatch"),
        (
            of("ssh://machine.example.org"),
            "not for ssh://machine. ",
            "audience_mismatch",
        ),
        (
            of("machine"),
            "not for ssh://machine. ",
            "audience_mismatch",
        ),
        (
            unsigned(&json!({ "exp": exp, "iss": machine::ISSUER })),
            "it has no aud",
            "refused",
        ),
        (
            unsigned(&json!({ "exp": exp, "iss": machine::ISSUER, "aud": [] })),
            "it has no aud",
            "refused",
        ),
    ] {
        let plain = login(&machine, &[]).env("BEARER_TOKEN", &token);
        let words = [
            "the token was not sent to machine: ",
            word,
            "--force sends it",
        ];
        expect_not_sent(&machine, plain, &words);
        let mark = machine.mark();
        let forced = login(&machine, &["--force"]).env("BEARER_TOKEN", &token);
        let forced = forced.run().expect_code(255);
        let seen = tokens_seen(&machine, mark);
        assert!(
            seen.len() == 1 && seen[0].contains(reason),
            "{seen:?}\n{forced}"
        );
    }
    let several = ["alice", "--audience", "x", "--audience", "ssh://machine"];
    let token = machine.token(several);
    expect_login(login(&machine, &[]).env("BEARER_TOKEN", &token).run());
    server_goes_by(&machine, &["ssh://other"]);
    let token = of("ssh://other");
    expect_login(
        login(&machine, &["--force"])
            .env("BEARER_TOKEN", &token)
            .run(),
    );
}

/// What is not sent is not asked for again, at a terminal neither.
#[test]
fn at_a_terminal_the_user_is_asked_instead() {
    let machine = Machine::with_client();
    machine.password("alice", "correct horse");
    let _sshd = machine.known_sshd(&["PasswordAuthentication no"]);
    let token = machine.token(["alice", "--audience", "ssh://other"]);
    let mark = machine.mark();
    let mut ssh = login(&machine, &[]).env("BEARER_TOKEN", token).terminal();
    ssh.expect("jwt-ssh: the token was not sent to machine: it is for ssh://other")
        .expect("(alice@machine) Password or token: ")
        .send_line("wrong horse")
        .expect("(alice@machine) Password or token: ")
        .send_line("correct horse")
        .expect("alice\r\n");
    let output = ssh.wait();
    assert_eq!(output.stdout.matches("jwt-ssh: ").count(), 1, "{output}");
    assert_eq!(tokens_seen(&machine, mark), [""; 0]);
}

//! jwt-ssh and hosts that are after a token: a jump host, and the host itself where the
//! token is not for it or the question is another. carol is the user, on no terminal
//! unless it says so; `target` is an honest host, the token is for alice there.

#[path = "../hostile/mod.rs"]
mod hostile;
#[path = "../hostile/jumps.rs"]
mod jumps;
#[path = "../hostile/wire.rs"]
mod wire;

use hostile::{Hostile, Say, ask, ask_openly, prompts, tell};
use machine::{Command, Machine, Sshd};

/// The prompt of pam_jwt, as it comes from `target`.
const WANTED: &str = "(alice@target) Password or token: ";

/// How a jump host may ask for what it must not have.
fn baits() -> Vec<Vec<Say>> {
    let alone = [
        "Password: ",
        "token: ",
        "Password or token: ",
        "token[500]: ",
        WANTED,
        "(alice@target) token[0]: ",
        // What is on the line is overwritten, or a line of its own follows.
        "\r(alice@target) token: ",
        "\u{1b}[2K\r(alice@target) token: ",
        "\u{1b}]0;title\u{7}\u{1b}[1A\u{9b}2K(alice@target) token: ",
        "\n(alice@target) token: ",
        "\u{8}\u{8}\u{8}(alice@target) token: ",
        // Right to left.
        "\u{202e}(alice@target) token: ",
        "",
    ];
    let mut baits: Vec<Vec<Say>> = alone.iter().map(|prompt| vec![ask(prompt)]).collect();
    // The same escape in 8 bits, which is no UTF-8.
    baits.push(vec![ask(b"\x9b2K(alice@target) token: ")]);
    baits.push(vec![tell("(alice@target) "), ask("token: ")]);
    baits.push(vec![ask_openly(WANTED)]);
    baits.push((0..20).map(|_| ask("token: ")).collect());
    baits
}

/// The harness sees what leaks, and what comes through: this askpass answers everything.
#[test]
fn an_askpass_that_answers_anything_tells_the_jump_host() {
    let machine = machine();
    let _target = target(&machine);
    let bastion = Hostile::open(&machine, "bastion");
    let token = token(&machine, &["ssh://target"]);
    let askpass = "#!/bin/sh\ncat \"$BEARER_TOKEN_FILE\"\n";
    machine.write("/usr/local/bin/naive", askpass, 0o755);
    for bait in baits() {
        bastion.says(&bait);
        let ssh = carols(&machine, "ssh", &token).args(THROUGH_BASTION);
        let ssh = ssh.env("SSH_ASKPASS", "/usr/local/bin/naive");
        let output = ssh.env("SSH_ASKPASS_REQUIRE", "force").run();
        assert_eq!(output.expect_success().stdout, "alice\n");
        assert_eq!(bastion.heard().len(), prompts(&bait), "{bait:?}");
        assert!(bastion.learned_of(&token), "{bait:?}");
    }
}

#[test]
fn a_jump_host_learns_nothing_and_the_host_behind_it_lets_in() {
    let machine = machine();
    let _target = target(&machine);
    let bastion = Hostile::open(&machine, "bastion");
    let token = long_token(&machine, &["ssh://target"]);
    for bait in baits() {
        bastion.says(&bait);
        let output = jwt_ssh(&machine, &token).args(THROUGH_BASTION).run();
        harmless(&output.stderr);
        assert_eq!(output.expect_success().stdout, "alice\n", "{bait:?}");
        assert_eq!(bastion.heard(), nothing(prompts(&bait)), "{bait:?}");
    }
    // The same by hand.
    bastion.says(&[ask(WANTED)]);
    let proxy = "ProxyCommand=ssh -W %h:%p alice@bastion";
    let ssh = jwt_ssh(&machine, &token).args(["-o", proxy, "alice@target", "id -un"]);
    assert_eq!(ssh.run().expect_success().stdout, "alice\n");
    assert_eq!(bastion.heard(), nothing(1));
}

/// Its prompts begin as those of the host behind it do: only who asks tells them apart.
#[test]
fn a_jump_host_of_the_same_name_learns_nothing() {
    let machine = machine();
    let _target = target(&machine);
    let bastion = Hostile::open_with(&machine, "bastion", &["ListenAddress 0.0.0.0:2222"]);
    let key = machine.read("/etc/ssh/bastion_ed25519_key.pub");
    machine.append("/etc/ssh/ssh_known_hosts", format!("[target]:2222 {key}"));
    let token = long_token(&machine, &["ssh://target"]);
    for bait in baits() {
        bastion.says(&bait);
        let ssh = jwt_ssh(&machine, &token);
        let output = ssh
            .args(["-J", "alice@target:2222", "alice@target", "id -un"])
            .run();
        assert_eq!(output.expect_success().stdout, "alice\n", "{bait:?}");
        assert_eq!(bastion.heard(), nothing(prompts(&bait)), "{bait:?}");
    }
}

/// On a terminal the question is the user's, and is seen to be the jump host's.
#[test]
fn a_jump_host_on_a_terminal_learns_what_is_typed() {
    let machine = machine();
    let _target = target(&machine);
    let bastion = Hostile::open(&machine, "bastion");
    let token = long_token(&machine, &["ssh://target"]);
    for bait in baits() {
        bastion.says(&bait);
        let ssh = jwt_ssh(&machine, &token).args(THROUGH_BASTION);
        let mut terminal = ssh.terminal();
        let mut typed = Vec::new();
        for number in 0..prompts(&bait) {
            typed.push(Some(format!("typed {number}").into_bytes()));
            terminal.expect("(alice@bastion) ");
            terminal.send_line(&format!("typed {number}"));
        }
        let output = terminal.wait().expect_success();
        assert!(output.stdout.ends_with("alice\r\n"), "{output}");
        assert!(!output.stdout.contains("typed"), "{output}");
        harmless(&output.stdout);
        assert_eq!(bastion.heard(), typed, "{bait:?}");
    }
}

/// The token is for this host, but that is not how it is asked for.
#[test]
fn what_is_not_the_question_is_not_answered() {
    let machine = machine();
    let evil = Hostile::closed(&machine, "evil");
    let token = long_token(&machine, &["ssh://evil"]);
    for prompt in [
        "Password: ",
        "Password or token:",
        "Password or token: \u{1b}[0m",
        "Password or Token: ",
        "Password or token:  ",
        "token : ",
        "token: \n",
        "token[500]:",
        "token [500]: ",
        "token[]: ",
        "token[-500]: ",
        "token[+500]: ",
        "token[ 500]: ",
        "token[0500]: ",
        "token[499]: ",
        "token[501]: ",
        "token[5e2]: ",
        "token[0x1f4]: ",
        "token[\u{ff15}00]: ",
        // Beyond 64 bits, by 0 and by 500, and just before.
        "token[18446744073709551616]: ",
        "token[18446744073709552116]: ",
        "token[18446744073709551500]: ",
        "token[500]: token[1000]: and so on",
        "",
    ] {
        evil.says(&[ask(prompt)]);
        let output = jwt_ssh(&machine, &token).args(["alice@evil", "id"]).run();
        harmless(&output.stderr);
        assert_eq!(output.expect_code(255).stdout, "", "{prompt:?}");
        assert_eq!(evil.heard(), nothing(1), "{prompt:?}");
    }
    // Under `password` the prompt is ssh's own.
    evil.says(&[ask("token: ")]);
    let ssh = jwt_ssh(&machine, &token).args(["-o", "PreferredAuthentications=password"]);
    let _ = ssh.args(["alice@evil", "id"]).run().expect_code(255);
    assert!(!evil.learned_of(&token));
    // Asked as pam_jwt asks, it is answered.
    evil.says(&[ask("Password or token: ")]);
    let ssh = jwt_ssh(&machine, &token).args(["alice@evil", "id"]);
    let _ = ssh.run().expect_code(255);
    assert_eq!(evil.heard(), [piece(&token, 0)]);
}

/// Also where it asks without end, again, or in an order of its own.
#[test]
fn the_host_that_the_token_is_for_hears_it_once() {
    let machine = machine();
    let evil = Hostile::closed(&machine, "evil");
    let token = long_token(&machine, &["ssh://evil"]);
    let offsets = || (0..=1000).map(|number| number * 500);

    evil.says(&offsets().map(asking_at).collect::<Vec<_>>());
    let ssh = jwt_ssh(&machine, &token).args(["alice@evil", "id"]);
    let _ = ssh.run().expect_code(255);
    let heard = evil.heard();
    assert_eq!(heard.len(), 1001);
    // Beyond its end there is nothing.
    let pieces = offsets().map(|offset| piece(&token, offset));
    assert!(heard.into_iter().eq(pieces));

    // Whom ssh lets try again, on a terminal, hears from the user.
    evil.says(&[0, 500, 1000, 1500].map(asking_at));
    let ssh = jwt_ssh(&machine, &token);
    let method = "PreferredAuthentications=keyboard-interactive";
    let mut terminal = ssh.args(["-o", method, "alice@evil", "id"]).terminal();
    for attempt in ["second", "third"] {
        for prompt in ["token: ", "token[500]: ", "token[1000]: ", "token[1500]: "] {
            terminal.expect(&format!("(alice@evil) {prompt}"));
            terminal.send_line(attempt);
        }
    }
    let _ = terminal.wait().expect_code(255);
    let [second, third] = ["second", "third"].map(|typed| Some(typed.into()));
    let attempts = [0, 500, 1000, 1500].map(|offset| piece(&token, offset));
    let attempts = [attempts.to_vec(), vec![second; 4], vec![third; 4]];
    assert_eq!(evil.heard(), attempts.concat());

    // What is out of pam_jwt's order ends it, once it has begun.
    const YES: bool = true;
    const NO: bool = false;
    for asked in [
        &[(500, NO), (0, YES), (500, YES)][..],
        &[(1000, NO), (1500, NO)],
        &[(0, YES), (0, NO), (500, NO), (1000, NO)],
        &[(0, YES), (1000, NO), (500, NO), (1500, NO)],
        &[(0, YES), (500, YES), (500, NO), (1000, NO), (0, NO)],
    ] {
        let script: Vec<Say> = asked.iter().map(|(offset, _)| asking_at(*offset)).collect();
        evil.says(&script);
        let ssh = jwt_ssh(&machine, &token).args(["alice@evil", "id"]);
        let _ = ssh.run().expect_code(255);
        let answer = |(offset, given): &(usize, bool)| match given {
            true => piece(&token, *offset),
            false => Some(Vec::new()),
        };
        let answers: Vec<_> = asked.iter().map(answer).collect();
        assert_eq!(evil.heard(), answers, "{asked:?}");
    }
}

#[test]
fn a_host_that_the_token_is_not_for_learns_nothing() {
    let machine = machine();
    let names = ["stranger", "target.example.org", "targets", "arget"];
    let hosts = names.map(|name| Hostile::closed(&machine, name));
    let script: Vec<Say> = [
        ask("token: "),
        ask(WANTED),
        ask("(alice@target) token[500]: "),
        ask("\r(alice@target) token: "),
    ]
    .into_iter()
    .chain((0..=1000).map(|number| asking_at(number * 500)))
    .collect();
    for (name, host) in names.into_iter().zip(&hosts) {
        for token in [
            long_token(&machine, &["ssh://target"]),
            token(&machine, &["ssh://target", "https://stranger"]),
        ] {
            let script = if name == "stranger" {
                &script[..]
            } else {
                &script[..4]
            };
            host.says(script);
            let ssh = jwt_ssh(&machine, &token).args([&format!("alice@{name}"), "id"]);
            let output = ssh.run().expect_code(255);
            assert!(output.stderr.contains("ssh://target"), "{output}");
            let heard = host.heard();
            assert_eq!(heard.len(), script.len(), "{output}");
            assert_eq!(heard, nothing(script.len()));
        }
    }
}

#[test]
fn a_token_at_the_wrong_time_is_kept() {
    let machine = machine();
    let evil = Hostile::closed(&machine, "evil");
    let token = long_token(&machine, &["ssh://evil"]);
    let asked = || {
        evil.says(&[ask("token: "), ask("token[500]: ")]);
        jwt_ssh(&machine, &token)
            .args(["alice@evil", "id"])
            .run()
            .expect_code(255)
    };
    asked();
    assert_eq!(evil.heard(), [piece(&token, 0), piece(&token, 500)]);
    machine.set_clock("+2h");
    let output = asked();
    assert!(output.stderr.contains("expired"), "{output}");
    assert_eq!(evil.heard(), nothing(2), "{output}");
}

/// The question whether to trust a host's key is the user's; where there is no terminal
/// the answer is no.
#[test]
fn a_host_of_an_unknown_key_is_the_users_to_accept() {
    let machine = machine();
    let evil = Hostile::closed(&machine, "evil");
    evil.says(&[ask("token: ")]);
    machine.write("/etc/ssh/ssh_known_hosts", "", 0o644);
    let token = token(&machine, &["ssh://evil"]);
    let method = "PreferredAuthentications=keyboard-interactive";
    let options = ["-o", "NumberOfPasswordPrompts=1", "-o", method];
    let ssh = || {
        jwt_ssh(&machine, &token)
            .args(options)
            .args(["alice@evil", "id"])
    };
    let _ = ssh().run().expect_code(255);
    assert_eq!(evil.heard(), nothing(0));

    let mut terminal = ssh().terminal();
    terminal.expect("(yes/no/[fingerprint])? ").send_line("no");
    let _ = terminal.wait().expect_code(255);
    assert_eq!(evil.heard(), nothing(0));

    let mut terminal = ssh().terminal();
    terminal.expect("(yes/no/[fingerprint])? ").send_line("yes");
    let _ = terminal.wait().expect_code(255);
    assert_eq!(evil.heard(), [piece(&token, 0)]);
}

const THROUGH_BASTION: [&str; 4] = ["-J", "alice@bastion", "alice@target", "id -un"];

fn machine() -> Machine {
    let machine = Machine::ready();
    machine.account("carol");
    machine
}

/// The honest host.
fn target(machine: &Machine) -> Sshd<'_> {
    let path = "/etc/pam-jwt/issuers.d/local.toml";
    let trust = machine
        .read(path)
        .replace("ssh://{hostname}", "ssh://target");
    machine.write(path, trust, 0o644);
    machine.sshd_of("target", "sshd", &[])
}

/// A token for alice.
fn token(machine: &Machine, audience: &[&str]) -> String {
    let audience = audience.iter().flat_map(|one| ["--audience", *one]);
    machine.token(["alice"].into_iter().chain(audience))
}

/// One of four pieces, no two of which are alike.
fn long_token(machine: &Machine, audience: &[&str]) -> String {
    let pad: String = (0..300).map(|number: u32| format!("{number:03}")).collect();
    let pad = format!("pad=x{pad}");
    let audience = audience.iter().flat_map(|one| ["--audience", *one]);
    let token = machine.token(["alice", "--claim", &pad].into_iter().chain(audience));
    assert!((1501..2000).contains(&token.len()), "{}", token.len());
    token
}

/// A command of carol's, whose token this is.
fn carols<'m>(machine: &'m Machine, program: &str, token: &str) -> Command<'m> {
    let path = "/home/carol/token";
    machine.write(path, token, 0o600);
    let _ = machine.run(["chown", "carol:carol", path]).expect_success();
    let command = machine.command([program]).user("carol");
    command.env("BEARER_TOKEN_FILE", path)
}

/// Her jwt-ssh. Without a terminal it tries each way to authenticate once.
fn jwt_ssh<'m>(machine: &'m Machine, token: &str) -> Command<'m> {
    carols(machine, "jwt-ssh", token)
}

fn asking_at(offset: usize) -> Say {
    match offset {
        0 => ask("token: "),
        _ => ask(format!("token[{offset}]: ")),
    }
}

/// What an honest question is answered with: of the token 500 bytes, or what is left.
fn piece(token: &str, offset: usize) -> Option<Vec<u8>> {
    let rest = token.as_bytes().get(offset..).unwrap_or_default();
    Some(rest[..rest.len().min(500)].to_vec())
}

/// What a host has heard to so many prompts where ssh had no answer.
fn nothing(prompts: usize) -> Vec<Option<Vec<u8>>> {
    vec![Some(Vec::new()); prompts]
}

/// Nothing that a terminal would obey, or that makes a line read otherwise than it is.
#[track_caller]
fn harmless(shown: &str) {
    let shown = shown.replace("\r\n", "\n");
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    let reordered = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!shown.contains(|c| obeyed(c) || reordered(c)), "{shown:?}");
}

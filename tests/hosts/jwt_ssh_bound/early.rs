//! When the token is looked at, and what is added to ssh's words for that.

use super::*;

/// The words with which ssh runs, without its name and without those of the run itself.
fn words_of_ssh(machine: &Machine, script_with: impl Fn(&str) -> String) -> Vec<String> {
    let look = "-o PermitLocalCommand=yes -o LocalCommand='xargs -0n1 </proc/$PPID/cmdline >argv'";
    let text = script_with(&format!("jwt-ssh {look} alice@machine true"));
    let _ = script(machine, &text).expect_success();
    let words = machine.read("/home/carol/argv");
    let mut words: Vec<String> = words.lines().skip(1).map(str::to_owned).collect();
    let own = words
        .iter()
        .position(|word| word == "PermitLocalCommand=yes");
    words.truncate(own.expect("a word of the test's") - 1);
    words
}

/// With the token of whoever has it, or one that would not be sent, ssh runs as ever.
#[test]
fn nothing_is_added_for_a_token_that_is_bound_to_nothing() {
    let machine = machine_with(&["k1"]);
    let _sshd = machine.known_sshd(&[]);
    let rule = "/etc/pam-jwt/issuers.d/local.toml";
    let text = machine.read(rule).replace("bound = true\n", "");
    machine.write(rule, text, 0o644);
    let plain = |script: &str| with_agent("keys/k1", script);
    let ever = ["-o", "NumberOfPasswordPrompts=1"];
    machine.write("/home/carol/token", machine.token(["alice"]), 0o644);
    assert_eq!(words_of_ssh(&machine, plain), ever);
    let elsewhere = [
        "alice",
        "--audience",
        "ssh://x",
        "--bind",
        "/home/carol/keys/k1.pub",
    ];
    machine.write("/home/carol/token", machine.token(elsewhere), 0o644);
    assert_eq!(words_of_ssh(&machine, plain), ever);
    bind(&machine, "keys/k1");
    // A pipe can be read once, and a command may ask somebody.
    for option in ["--token-command 'cat token'", "--token-file <(cat token)"] {
        let script = |ssh: &str| plain(&ssh.replacen("jwt-ssh", &format!("jwt-ssh {option}"), 1));
        assert_eq!(words_of_ssh(&machine, script), ever);
    }
    let words = words_of_ssh(&machine, plain);
    let [_, file, .., only] = &words[..words.len() - 2] else {
        panic!("{words:?}");
    };
    assert!(
        file.starts_with("IdentityFile=/tmp/jwt-ssh.")
            || file.starts_with("IdentityFile=\"/tmp/jwt-ssh."),
        "{words:?}"
    );
    assert_eq!(only, "IdentitiesOnly=yes", "{words:?}");
    assert_eq!(words[words.len() - 2..], ever);
    // What was written for ssh is gone with it.
    machine.wait_until("! ls -d /tmp/jwt-ssh.* 2>/dev/null");
}

/// A command runs before ssh starts where the settings say that it has to, and once.
#[test]
fn a_command_is_run_early_where_the_settings_say_so_and_once() {
    let machine = machine_with(&["k1", "k2"]);
    let _sshd = sshd(&machine);
    bind(&machine, "keys/k2");
    let _ = script(&machine, "mv token secret");
    let command = "echo run >>runs; cat secret";
    let run = |more: &str| {
        let login = format!("jwt-ssh --token-command '{command}' {more} alice@machine id -un");
        with_agent("keys/k1 keys/k2", &format!("rm -f runs; {login}"))
    };
    // Unsaid it runs when the token is asked for, which is too late.
    let mark = machine.mark();
    let output = script(&machine, &run(""));
    expect_refused(&machine, mark, &output, &["keys/k1"]);
    let mut ssh = machine
        .command(["sh", "-c", &format!("cd; {}", run(""))])
        .user("carol")
        .terminal();
    ssh.expect("asks again: it did not accept the token, or not alone. It is bound to the SSH key")
        .expect("`bound = true`");
    drop(ssh);

    let settings = "[[host]]\nmatch = \"*\"\naudience = \"ssh://{host}\"\nbound = true\n";
    machine.write("/home/carol/.config/jwt-ssh/config.toml", settings, 0o644);
    expect_first(&machine, "keys/k2", &run(""));
    assert_eq!(machine.read("/home/carol/runs"), "run\n");
    // It is in no argument, variable or file of anybody's.
    let token = machine.read("/home/carol/secret");
    let part = &token[token.len() - 40..];
    machine
        .run(["mv", "/home/carol/secret", "/run/secret"])
        .expect_success();
    let login = "jwt-ssh --token-command 'cat /run/secret' alice@machine 'echo in; cat'";
    let mut session = machine
        .command([
            "sh",
            "-c",
            &format!("cd; {}", with_agent("keys/k1 keys/k2", login)),
        ])
        .user("carol")
        .terminal();
    session.expect("in\r\n");
    let search = "
        cat >/dev/shm/part
        cd /proc; grep -lasF -f /dev/shm/part [0-9]*/cmdline [0-9]*/environ
        find /run /tmp /home /var/tmp /root -path /run/.machine -prune -o -type f \
            -exec grep -lasF -f /dev/shm/part {} +";
    let output = machine.command(["sh", "-c", search]).stdin(part).run();
    assert_eq!(output.stdout, "/run/secret\n", "{output}");
    drop(session);
    // One that fails is told of when the host asks, and not run again for that.
    let mark = machine.mark();
    let fails = "rm -f runs; jwt-ssh -T -i keys/k1 --token-command \
                 'echo run >>runs; echo log in first >&2; false' alice@machine";
    let output = script(&machine, fails).expect_code(255);
    let told = "jwt-ssh: --token-command: exit status: 1: log in first\n";
    assert_eq!(output.stderr.matches(told).count(), 1, "{output}");
    assert_eq!(machine.read("/home/carol/runs"), "run\n");
    machine.wait_for_log(mark, "Partial publickey for alice");
    // Where nobody logs in it does not run.
    let other = "rm -f runs; jwt-ssh --token-command 'touch runs' -G machine >/dev/null; ls runs";
    assert_ne!(script(&machine, other).code(), Some(0));
}

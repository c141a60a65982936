//! Completions, in the shells that they are for, from where they are installed.

use super::installed;
use machine::{Machine, Terminal};

/// Words that are completed, and what they then are: one word that fits, behind which the cursor
/// goes on.
const WORDS: [(&str, &str); 8] = [
    ("pam-jwt keyg", "keygen"),
    ("pam-jwt jws ver", "verify"),
    ("pam-jwt issue --lif", "--lifetime"),
    ("pam-jwt-fetch --iss", "--issuer"),
    ("pam-jwt-authserver ch", "check"),
    ("jwt-ssh st", "status"),
    ("jwt-ssh login --dev", "--device"),
    ("jwt-ssh completions ba", "bash"),
];

/// Where several fit, they are offered.
const CHOICES: [(&str, [&str; 2]); 3] = [
    ("pam-jwt key", ["keygen", "keys"]),
    ("jwt-ssh log", ["login", "logout"]),
    ("jwt-ssh --token-", ["--token-command", "--token-file"]),
];

/// Types at the prompt of a shell, not ahead of it: only there a tab completes.
fn types(machine: &Machine, shell: &[&str], begin: &str) {
    let shell = machine.command(shell).env("TERM", "dumb");
    let mut shell = shell.env("PS1", "ready> ").terminal();
    shell.expect("ready> ").send_line(begin);
    shell.expect("ready> ");
    for (line, expected) in WORDS {
        let rest = line.rsplit(' ').next().expect("a word").len();
        let (_, rest) = expected.split_at(rest);
        shell.send(&format!("{line}\t"));
        shell.expect(&format!("{line}{rest}"));
        next_prompt(&mut shell);
    }
    for (line, expected) in CHOICES {
        shell.send(&format!("{line}\t\t"));
        let offered = shell.until("ready> ");
        for one in expected {
            assert!(offered.contains(one), "{offered}");
        }
        next_prompt(&mut shell);
    }
    shell.send_line("exit");
    let _ = shell.wait();
}

/// ^U takes the line away, for which a shell may write its prompt once more. The next is behind
/// what is said here.
fn next_prompt(shell: &mut Terminal) {
    shell.send("\x15printf '%s\\n' ne''xt\n");
    shell.expect("\nnext\r\n").expect("ready> ");
}

#[test]
fn bash_completes_subcommands_and_options() {
    let machine = installed();
    let scripts = "for name in pam-jwt pam-jwt-fetch pam-jwt-authserver jwt-ssh; do \
                   . /usr/share/bash-completion/completions/$name; done";
    types(&machine, &["bash", "--noprofile", "--norc", "-i"], scripts);
}

/// Which finds the scripts itself.
#[test]
fn zsh_completes_subcommands_and_options() {
    let machine = installed();
    let begin = "autoload -Uz compinit; compinit -D";
    types(&machine, &["zsh", "-f", "-i"], begin);
}

/// Which finds them too, and can be asked.
#[test]
fn fish_completes_subcommands_and_options() {
    let machine = installed();
    let offered = |line: &str| {
        let ask = format!("complete --do-complete '{line}'");
        let fish = machine.run(["fish", "--command", &ask]);
        fish.expect_success().stdout
    };
    let words = WORDS.map(|(line, word)| (line, vec![word]));
    let choices = CHOICES.map(|(line, words)| (line, words.to_vec()));
    for (line, mut expected) in words.into_iter().chain(choices) {
        // Behind a tab stands what it is for.
        let offered = offered(line);
        let mut words: Vec<&str> = offered
            .lines()
            .filter_map(|line| line.split('\t').next())
            .collect();
        words.sort_unstable();
        expected.sort_unstable();
        assert_eq!(words, expected, "{line}");
    }
}

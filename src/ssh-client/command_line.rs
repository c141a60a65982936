//! The command line of `jwt-ssh`: what is its own, and what is ssh's. ssh's options are
//! single letters, so all that begins with two dashes before the host is jwt-ssh's.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The options of ssh that take an argument (ssh(1)); in the same word or the next one.
const WITH_ARGUMENT: &[u8] = b"BbcDEeFIiJLlmOoPpQRSWw";

/// Those that have ssh say something and connect to nothing, or to a master that has
/// logged in already.
const WITHOUT_LOGIN: &[u8] = b"GVQO";

/// Options of jwt-ssh that take an argument in the next word.
const OWN_WITH_ARGUMENT: [&str; 2] = ["--token-file", "--token-command"];

/// A command line, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// The words for jwt-ssh.
    pub own: Vec<OsString>,
    /// The words for ssh, in their order.
    pub ssh: Vec<OsString>,
    /// Whether ssh will log in somewhere.
    pub logs_in: bool,
    /// What `-o` says in them.
    options: Vec<OsString>,
}

impl CommandLine {
    /// Takes the words after the program's name apart.
    pub fn parse(words: impl IntoIterator<Item = OsString>) -> Self {
        let mut words = words.into_iter();
        let mut line = Self {
            logs_in: true,
            ..Self::default()
        };
        while let Some(word) = words.next() {
            match word.as_bytes() {
                [b'-', b'-', _, ..] => {
                    let takes_next = OWN_WITH_ARGUMENT.iter().any(|own| word == OsStr::new(own));
                    line.own.push(word);
                    if takes_next {
                        line.own.extend(words.next());
                    }
                }
                [b'-', b'-'] => {
                    line.ssh.push(word);
                    break;
                }
                [b'-', letters @ ..] if !letters.is_empty() => {
                    let wants_next = line.letters(letters);
                    line.ssh.push(word);
                    if let Some(letter) = wants_next {
                        let next = words.next();
                        line.options.extend(next.clone().filter(|_| letter == b'o'));
                        line.ssh.extend(next);
                    }
                }
                // The host; what follows it is for ssh or for the host.
                _ => {
                    line.ssh.push(word);
                    break;
                }
            }
        }
        line.ssh.extend(words);
        line
    }

    /// Whether an option of ssh_config(5) is among the words for ssh. Those before the host
    /// are looked at.
    pub fn sets(&self, option: &str) -> bool {
        self.options.iter().any(|said| {
            let said = said.as_bytes().trim_ascii_start();
            let name = said.split(|byte| *byte == b'=' || byte.is_ascii_whitespace());
            name.take(1)
                .any(|name| name.eq_ignore_ascii_case(option.as_bytes()))
        })
    }

    /// Takes in a word of ssh's options, and names the option to which the next one belongs.
    fn letters(&mut self, mut letters: &[u8]) -> Option<u8> {
        while let [letter, rest @ ..] = letters {
            if WITHOUT_LOGIN.contains(letter) {
                self.logs_in = false;
            }
            if WITH_ARGUMENT.contains(letter) {
                if *letter == b'o' && !rest.is_empty() {
                    self.options.push(OsStr::from_bytes(rest).to_owned());
                }
                return rest.is_empty().then_some(*letter);
            }
            letters = rest;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> (String, String, bool) {
        let line = CommandLine::parse(line.split_whitespace().map(OsString::from));
        let join = |words: Vec<OsString>| words.join(OsStr::new(" ")).into_string().unwrap();
        (join(line.own), join(line.ssh), line.logs_in)
    }

    #[test]
    fn what_begins_with_two_dashes_before_the_host_is_our_own() {
        for (line, own, ssh) in [
            ("web1", "", "web1"),
            ("--force web1", "--force", "web1"),
            (
                "--force -v alice@web1 ls --force",
                "--force",
                "-v alice@web1 ls --force",
            ),
            ("--token-file t web1", "--token-file t", "web1"),
            ("--token-file=t web1", "--token-file=t", "web1"),
            (
                "-p 22 --token-command c web1",
                "--token-command c",
                "-p 22 web1",
            ),
            ("-vvp22 web1 --x", "", "-vvp22 web1 --x"),
            ("-o --force web1", "", "-o --force web1"),
            ("-vo --force web1", "", "-vo --force web1"),
            ("-oport=22 --force web1", "--force", "-oport=22 web1"),
            ("-- status", "", "-- status"),
            ("-- --force", "", "-- --force"),
            ("-l alice -s -- web1 sftp", "", "-l alice -s -- web1 sftp"),
            ("- x", "", "- x"),
            ("", "", ""),
            ("--token-file", "--token-file", ""),
            ("-p", "", "-p"),
        ] {
            assert_eq!(
                parse(line),
                (own.to_owned(), ssh.to_owned(), true),
                "{line}"
            );
        }
    }

    #[test]
    fn what_logs_in_nowhere_is_known() {
        for line in [
            "-V",
            "-G web1",
            "-vG web1",
            "-Q cipher",
            "-Ocheck web1",
            "-O exit web1",
        ] {
            assert!(!parse(line).2, "{line}");
        }
        for line in ["-v web1", "-oV=1 web1", "-l G web1", "web1 -V", "-iG web1"] {
            assert!(parse(line).2, "{line}");
        }
    }

    #[test]
    fn what_the_user_sets_is_known() {
        for line in [
            "-o identitiesonly=no web1",
            "-oIdentitiesOnly=yes web1",
            "-4voIDENTITIESONLY=yes web1",
            "-v -o IdentityAgent=x -o IdentitiesOnly web1",
        ] {
            let line = CommandLine::parse(line.split_whitespace().map(OsString::from));
            assert!(line.sets("IdentitiesOnly"), "{line:?}");
        }
        let spaced = ["-o", " IdentitiesOnly no", "web1"].map(OsString::from);
        assert!(CommandLine::parse(spaced).sets("IdentitiesOnly"));
        for line in [
            "web1 -o IdentitiesOnly=no",
            "-i IdentitiesOnly=no web1",
            "-l o IdentitiesOnly=no",
            "-o User=IdentitiesOnly=no web1",
            "-o",
        ] {
            let line = CommandLine::parse(line.split_whitespace().map(OsString::from));
            assert!(!line.sets("IdentitiesOnly"), "{line:?}");
        }
    }

    /// A word that belongs to an option must not be taken for the host.
    #[test]
    fn our_options_with_an_argument_are_known_here_too() {
        use clap::CommandFactory;
        let command = crate::options::OwnWords::command();
        let mut known: Vec<String> = command
            .get_arguments()
            .filter(|argument| argument.get_action().takes_values())
            .filter_map(|argument| argument.get_long().map(|long| format!("--{long}")))
            .collect();
        known.sort();
        let mut ours = OWN_WITH_ARGUMENT.map(str::to_owned).to_vec();
        ours.sort();
        assert_eq!(known, ours);
    }
}

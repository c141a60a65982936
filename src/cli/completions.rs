//! The scripts by which shells complete a command.

use clap::builder::PossibleValue;
use clap::{Command, ValueEnum};
use clap_complete::{Shell as Generator, generate};
use std::fmt;

/// A shell that can complete a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// GNU bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
}

impl Shell {
    fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }
}

// By hand: derived, it would show the comments above in --help.
impl ValueEnum for Shell {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Bash, Self::Zsh, Self::Fish]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl fmt::Display for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The script by which `shell` completes `command`, which is called as `bin_name`.
pub fn script(command: &mut Command, bin_name: &str, shell: Shell) -> String {
    let generator = match shell {
        Shell::Bash => Generator::Bash,
        Shell::Zsh => Generator::Zsh,
        Shell::Fish => Generator::Fish,
    };
    let mut script = Vec::new();
    generate(generator, command, bin_name, &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if shell == Shell::Fish {
        script.push_str(&words_of_fish(command, bin_name));
    }
    // For bash clap_complete 4.6 spells the name's hyphen in two ways, so that nothing
    // behind a subcommand would be completed (clap-rs/clap#6421).
    script.replace(
        &bin_name.replace('-', "__subcmd__"),
        &bin_name.replace('-', "__"),
    )
}

/// What clap_complete 4.6 leaves out for fish: the words that an argument may be which no option
/// names, such as the shell here.
fn words_of_fish(command: &Command, bin_name: &str) -> String {
    let function = format!("__fish_{}_using_subcommand", bin_name.replace('-', "_"));
    let mut script = String::new();
    for subcommand in command.get_subcommands() {
        for argument in subcommand.get_positionals() {
            let values = argument.get_possible_values();
            let words: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
            if !words.is_empty() {
                let (name, words) = (subcommand.get_name(), words.join(" "));
                script.push_str(&format!(
                    "complete -c {bin_name} -n \"{function} {name}\" -f -a \"{words}\"\n"
                ));
            }
        }
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command as Process;

    /// What bash offers at the end of `words`.
    fn offered(name: &'static str, words: &[&str]) -> Vec<String> {
        let subcommand = Command::new("sign-in").arg(clap::arg!(--realm <NAME>));
        let mut command = Command::new(name).subcommand(subcommand);
        let script = script(&mut command, name, Shell::Bash);
        let function = format!("_{}", name.replace('-', "__"));
        let ask = format!(
            "{script}\nCOMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1))
            {function} {name} \"${{@: -1}}\" \"${{@: -2:1}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let bash = Process::new("bash")
            .args(["-c", &ask, "bash", name])
            .args(words)
            .output()
            .unwrap();
        assert!(bash.status.success(), "{bash:?}");
        let shown = String::from_utf8(bash.stdout).unwrap();
        shown.lines().map(str::to_owned).collect()
    }

    #[test]
    fn bash_completes_behind_a_subcommand_whatever_hyphens_the_names_have() {
        for name in ["plain", "jwt-ssh", "one-two-three"] {
            assert_eq!(offered(name, &["si"]), ["sign-in"], "{name}");
            assert_eq!(offered(name, &["sign-in", "--r"]), ["--realm"], "{name}");
        }
    }
}

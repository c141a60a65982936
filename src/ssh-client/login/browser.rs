//! Which way a login takes, and the browser.

use crate::environment::Environment;
use std::ffi::OsString;
use std::process::{Command, Stdio};

/// How the user comes to the issuer's page.
#[derive(Debug, PartialEq, Eq)]
pub enum Way {
    /// In a browser of this machine, which the first of these programs that starts opens: a
    /// program and its arguments, of which `%s` stands for the address. With none the user
    /// opens it.
    Browser(Vec<Vec<String>>),
    /// On any device.
    Device,
}

/// What opens an address in the browser of whoever sits here.
const OPENS: &str = if cfg!(target_os = "macos") {
    "open"
} else {
    "xdg-open"
};

impl Way {
    /// The way to take, if the user says nothing else.
    pub fn of(device: bool, no_browser: bool, environment: &Environment<'_>) -> Self {
        if device {
            return Self::Device;
        }
        if no_browser {
            return Self::Browser(Vec::new());
        }
        let is_set = |name: &str| environment.get(name).is_some();
        let named = environment.get("BROWSER");
        if let Some(named) = named.and_then(|named| OsString::into_string(named).ok()) {
            return Self::Browser(programs(&named));
        }
        // Whoever is here by ssh sees no window of this machine.
        let is_afar = is_set("SSH_CONNECTION") || is_set("SSH_TTY");
        let has_screen =
            is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") || cfg!(target_os = "macos");
        if is_afar || !has_screen {
            return Self::Device;
        }
        Self::Browser(programs(OPENS))
    }
}

/// As Debian's sensible-browser and others read BROWSER: commands between colons.
fn programs(named: &str) -> Vec<Vec<String>> {
    let words = |command: &str| command.split_whitespace().map(str::to_owned).collect();
    let commands = named.split(':').map(words);
    commands
        .filter(|words: &Vec<_>| !words.is_empty())
        .collect()
}

/// Opens an address, as far as a program says so by starting.
pub fn open(programs: &[Vec<String>], address: &str) -> bool {
    programs.iter().any(|words| start(words, address))
}

fn start(words: &[String], address: &str) -> bool {
    let Some((program, arguments)) = words.split_first() else {
        return false;
    };
    let has_place = arguments.iter().any(|word| word.contains("%s"));
    let mut command = Command::new(program);
    command.args(arguments.iter().map(|word| word.replace("%s", address)));
    if !has_place {
        command.arg(address);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(variables: &[(&str, &str)], device: bool, no_browser: bool) -> Way {
        let get = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Way::of(device, no_browser, &Environment::of(&get))
    }

    #[test]
    fn a_browser_is_opened_where_somebody_sees_it() {
        let opens = || Way::Browser(vec![vec![OPENS.to_owned()]]);
        let (screen, wayland) = (("DISPLAY", ":0"), ("WAYLAND_DISPLAY", "wayland-0"));
        let (afar, tty) = (("SSH_CONNECTION", "x"), ("SSH_TTY", "/dev/pts/1"));
        assert_eq!(way(&[screen], false, false), opens());
        assert_eq!(way(&[wayland], false, false), opens());
        // Such as a display that ssh forwards.
        assert_eq!(way(&[screen, afar], false, false), Way::Device);
        assert_eq!(way(&[screen, tty], false, false), Way::Device);
        if cfg!(target_os = "linux") {
            assert_eq!(way(&[], false, false), Way::Device);
        }
        assert_eq!(way(&[screen], true, false), Way::Device);
        assert_eq!(way(&[afar], false, true), Way::Browser(Vec::new()));
    }

    #[test]
    fn the_user_says_which_browser() {
        let named = ("BROWSER", "firefox --new-window %s::w3m -x ");
        let commands = [&["firefox", "--new-window", "%s"][..], &["w3m", "-x"]];
        let commands = commands.map(|words| words.iter().map(|&word| word.to_owned()).collect());
        let named = way(&[named, ("SSH_TTY", "x")], false, false);
        assert_eq!(named, Way::Browser(commands.to_vec()));
    }

    #[test]
    fn the_address_is_one_word_wherever_it_goes() {
        let directory = nix::unistd::mkdtemp("/tmp/jwt-ssh-test.XXXXXX").unwrap();
        let file = directory.join("opened");
        let script = directory.join("browser");
        let text = format!(
            "#!/bin/sh\nprintf '%s|' \"$@\" >{0}.new; mv {0}.new {0}\n",
            file.display()
        );
        std::fs::write(&script, text).unwrap();
        let command = format!("sh {}", script.display());
        let address = "https://i/?a=b&c=$(id) '%s'";
        for (more, wanted) in [
            ("", format!("{address}|")),
            (" -x", format!("-x|{address}|")),
            (" --url=%s -y", format!("--url={address}|-y|")),
        ] {
            let nowhere = vec!["/nowhere/browser".to_owned()];
            let words = command.clone() + more;
            let words = words.split(' ').map(str::to_owned).collect();
            assert!(open(&[nowhere, words], address));
            while !file.exists() {
                std::thread::yield_now();
            }
            assert_eq!(std::fs::read_to_string(&file).unwrap(), wanted);
            std::fs::remove_file(&file).unwrap();
        }
        assert!(!open(&[vec!["/nowhere/browser".to_owned()]], address));
        assert!(!open(&[], address));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}

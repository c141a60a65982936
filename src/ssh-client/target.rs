//! Whom this run of ssh is about, in ssh's own words: `ssh -G` (ssh(1)) prints the
//! configuration that holds for the same arguments.

/// The account and the host of one run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Target {
    /// The account on the host.
    pub user: String,
    /// The host as prompts name it: HostKeyAlias where there is one, else HostName.
    pub host: String,
    /// Whether nobody is to be asked anything (BatchMode).
    pub batch: bool,
    /// Seconds after which ssh asks a silent host whether it is there (ServerAliveInterval).
    pub alive_interval: String,
}

impl Target {
    /// Reads what `ssh -G` printed; none if that names no host.
    pub fn of_configuration(printed: &str) -> Option<Self> {
        let value = |name: &str| {
            let of_line = |line: &'_ str| -> Option<String> {
                let (word, value) = line.split_once(' ')?;
                (word == name && !value.is_empty()).then(|| value.to_owned())
            };
            printed.lines().find_map(of_line)
        };
        Some(Self {
            user: value("user")?,
            host: value("hostkeyalias").or_else(|| value("hostname"))?,
            batch: value("batchmode").as_deref() == Some("yes"),
            alive_interval: value("serveraliveinterval").unwrap_or_else(|| "0".to_owned()),
        })
    }

    /// What the server says in this prompt of keyboard-interactive authentication. The ssh
    /// client itself writes `(user@host) ` before it (since OpenSSH 8.5), so that a server,
    /// such as a jump host, cannot speak for another.
    pub fn said_by_server<'p>(&self, prompt: &'p [u8]) -> Option<&'p [u8]> {
        prompt.strip_prefix(format!("({}@{}) ", self.user, self.host).as_bytes())
    }

    /// Whether this is ssh's own question for the method `password`, which shortens
    /// long names.
    pub fn is_password_method(&self, prompt: &[u8]) -> bool {
        let asked = format!("{:.30}@{:.128}'s password: ", self.user, self.host);
        prompt == asked.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target {
            user: "alice".to_owned(),
            host: "web1".to_owned(),
            batch: false,
            alive_interval: "0".to_owned(),
        }
    }

    #[test]
    fn the_configuration_names_account_and_host() {
        let printed = "host w\nuser alice\nhostname web1\nport 22\nbatchmode no\n";
        assert_eq!(Target::of_configuration(printed), Some(target()));
        let aliased = printed.replace("web1", "192.0.2.7") + "hostkeyalias web1\n";
        assert_eq!(Target::of_configuration(&aliased), Some(target()));
        let batch = printed.replace("batchmode no", "batchmode yes");
        assert!(Target::of_configuration(&batch).is_some_and(|target| target.batch));
        let alive = printed.to_owned() + "serveraliveinterval 300\n";
        let alive = Target::of_configuration(&alive).unwrap().alive_interval;
        assert_eq!(alive, "300");
    }

    #[test]
    fn without_a_host_there_is_no_target() {
        for printed in [
            "",
            "aes128-ctr\naes256-ctr\n",
            "user alice\n",
            "hostname web1\n",
            "user alice\nhostname \n",
        ] {
            assert_eq!(Target::of_configuration(printed), None, "{printed}");
        }
    }

    #[test]
    fn only_the_host_itself_is_heard() {
        let said = |prompt: &'static str| target().said_by_server(prompt.as_bytes());
        assert_eq!(said("(alice@web1) token: "), Some(&b"token: "[..]));
        for prompt in [
            "token: ",
            "(alice@bastion) token: ",
            "(alice@bastion) (alice@web1) token: ",
            "(bob@web1) token: ",
            "(alice@web10) token: ",
            "(alice@web1)token: ",
            " (alice@web1) token: ",
            "(ALICE@web1) token: ",
        ] {
            assert_eq!(said(prompt), None, "{prompt}");
        }
    }

    #[test]
    fn the_question_of_the_method_password_is_known() {
        assert!(target().is_password_method(b"alice@web1's password: "));
        assert!(!target().is_password_method(b"(alice@web1) Password: "));
        assert!(!target().is_password_method(b"alice@bastion's password: "));
    }
}

//! What `ssh -G` says of the keys that ssh would offer, and the names of files in that
//! (ssh_config(5)).

use crate::environment::Environment;
use std::path::PathBuf;

/// Before all other words of `ssh -G`, so that what it prints are the files that the user
/// names; instead of none it would print the defaults.
pub const NO_DEFAULTS: [&str; 2] = ["-o", "IdentityFile=none"];

/// The configuration of keys that holds for one run, in the words of its author.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct KeyConfiguration {
    /// IdentityFile, where the user names any.
    pub identity_files: Vec<String>,
    /// CertificateFile
    pub certificate_files: Vec<String>,
    /// Whether the agent's other keys are left aside (IdentitiesOnly).
    pub identities_only: bool,
    /// Whether an agent is forwarded (ForwardAgent).
    pub forwards_agent: bool,
    identity_agent: Option<String>,
    original_host: String,
    host: String,
    port: String,
    remote_user: String,
}

/// The user, as ssh knows them.
#[derive(Debug)]
pub struct Person {
    /// The account.
    pub name: String,
    /// Its id.
    pub id: u32,
    /// Its home, which `~` is for ssh whatever HOME says.
    pub home: PathBuf,
}

impl KeyConfiguration {
    /// Reads what `ssh -G` printed, with [`NO_DEFAULTS`].
    pub fn of_configuration(printed: &str) -> Self {
        let mut found = Self::default();
        for (name, value) in printed.lines().filter_map(|line| line.split_once(' ')) {
            let value = value.to_owned();
            match name {
                "identityfile" if !value.eq_ignore_ascii_case("none") => {
                    found.identity_files.push(value);
                }
                "certificatefile" if !value.eq_ignore_ascii_case("none") => {
                    found.certificate_files.push(value);
                }
                "identitiesonly" => found.identities_only = value == "yes",
                "forwardagent" => found.forwards_agent = value != "no",
                "identityagent" => found.identity_agent = Some(value),
                "host" => found.original_host = value,
                "hostname" => found.host = value,
                "port" => found.port = value,
                "user" => found.remote_user = value,
                _ => {}
            }
        }
        found
    }

    /// The file that a name in it stands for; none where that is not known here, as with
    /// `%C`.
    pub fn path(
        &self,
        name: &str,
        person: &Person,
        environment: &Environment<'_>,
    ) -> Option<PathBuf> {
        let home = person.home.to_str()?;
        let (mut path, rest) = match name.strip_prefix('~') {
            Some(rest) => (home.to_owned(), rest.starts_with('/').then_some(rest)?),
            None => (String::new(), name),
        };
        let mut chars = rest.chars();
        while let Some(char) = chars.next() {
            match char {
                '%' => match chars.next()? {
                    '%' => path.push('%'),
                    'd' => path.push_str(home),
                    'h' => path.push_str(&self.host),
                    'i' => path.push_str(&person.id.to_string()),
                    'n' => path.push_str(&self.original_host),
                    'p' => path.push_str(&self.port),
                    'r' => path.push_str(&self.remote_user),
                    'u' => path.push_str(&person.name),
                    _ => return None,
                },
                '$' if chars.as_str().starts_with('{') => {
                    let (variable, behind) = chars.as_str().split_once('}')?;
                    let value = environment.get(variable.strip_prefix('{')?)?;
                    path.push_str(value.to_str()?);
                    chars = behind.chars();
                }
                char => path.push(char),
            }
        }
        Some(PathBuf::from(path))
    }

    /// The socket of the ssh-agent that ssh would ask (IdentityAgent).
    pub fn agent(&self, person: &Person, environment: &Environment<'_>) -> Option<PathBuf> {
        match self.identity_agent.as_deref() {
            None | Some("SSH_AUTH_SOCK") => environment.path("SSH_AUTH_SOCK"),
            Some("none") => None,
            Some(name) => match name.strip_prefix('$') {
                Some(variable) if !variable.starts_with('{') => environment.path(variable),
                _ => self.path(name, person, environment),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    const PRINTED: &str = "host web1\nuser alice\nhostname web1.example.org\nport 2222\n\
        identitiesonly yes\nforwardagent yes\nidentityfile none\nidentityfile ~/.ssh/a b\n\
        identityfile /k\ncertificatefile /c\n";

    fn person() -> Person {
        Person {
            name: "carol".to_owned(),
            id: 1001,
            home: PathBuf::from("/home/carol"),
        }
    }

    fn variable(name: &str) -> Option<OsString> {
        match name {
            "SSH_AUTH_SOCK" => Some("/run/agent".into()),
            "OTHER" => Some("/run/other".into()),
            _ => None,
        }
    }

    #[test]
    fn the_files_that_the_user_names_are_known() {
        let found = KeyConfiguration::of_configuration(PRINTED);
        assert_eq!(found.identity_files, ["~/.ssh/a b", "/k"]);
        assert_eq!(found.certificate_files, ["/c"]);
        assert!(found.identities_only && found.forwards_agent);
        let other = KeyConfiguration::of_configuration("forwardagent no\nidentitiesonly no\n");
        assert!(!other.forwards_agent && !other.identities_only);
        let other = KeyConfiguration::of_configuration("forwardagent /run/x\n");
        assert!(other.forwards_agent);
    }

    #[test]
    fn names_of_files_are_those_that_ssh_makes_of_them() {
        let found = KeyConfiguration::of_configuration(PRINTED);
        let path = |name: &str| {
            let path = found.path(name, &person(), &Environment::of(&variable))?;
            path.to_str().map(str::to_owned)
        };
        for (name, expected) in [
            ("/k", Some("/k")),
            ("k", Some("k")),
            ("~/.ssh/a b", Some("/home/carol/.ssh/a b")),
            ("%d/%u/%i/%r", Some("/home/carol/carol/1001/alice")),
            ("/%n/%h/%p/100%%", Some("/web1/web1.example.org/2222/100%")),
            ("${OTHER}/$k", Some("/run/other/$k")),
            ("~bob/k", None),
            ("~", None),
            ("/%C", None),
            ("/%", None),
            ("${NONE}/k", None),
            ("${OTHER", None),
        ] {
            assert_eq!(path(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn the_agent_is_the_one_that_ssh_asks() {
        for (line, expected) in [
            ("", Some("/run/agent")),
            ("identityagent SSH_AUTH_SOCK", Some("/run/agent")),
            ("identityagent $OTHER", Some("/run/other")),
            ("identityagent ${OTHER}/s", Some("/run/other/s")),
            ("identityagent ~/s", Some("/home/carol/s")),
            ("identityagent $NONE", None),
            ("identityagent none", None),
        ] {
            let found = KeyConfiguration::of_configuration(line);
            let agent = found.agent(&person(), &Environment::of(&variable));
            assert_eq!(agent, expected.map(PathBuf::from), "{line}");
        }
    }
}

//! The methods by which somebody has logged in, as sshd names them: a line for each, such as
//! `publickey sk-ssh-ed25519@openssh.com AAAA…` or `keyboard-interactive/pam`.

/// One line of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SshMethod<'a> {
    /// As AuthenticationMethods names it (sshd_config(5)).
    pub(super) name: &'a str,
    /// The type of the key, where there is one.
    key: Option<&'a str>,
}

impl SshMethod<'_> {
    /// Whether it is one that asks PAM.
    pub(super) fn asks_pam(&self) -> bool {
        matches!(self.name, "password" | "keyboard-interactive")
    }

    /// The method by its name in `amr`, of one whose key was the user's (RFC 8176 §2): what
    /// is in a security key no software has, of any other it may.
    pub(super) fn amr(&self) -> Option<&'static str> {
        let key = self.key.filter(|_| self.name == "publickey")?;
        Some(if key.starts_with("sk-") { "hwk" } else { "swk" })
    }
}

/// The methods, in their order.
pub(super) fn ssh_methods(text: &str) -> impl Iterator<Item = SshMethod<'_>> {
    text.lines().map(|line| {
        let mut words = line.split(' ');
        let method = words.next().unwrap_or_default();
        SshMethod {
            name: method.split('/').next().unwrap_or_default(),
            key: words.next(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_method() {
        let text = "publickey sk-ssh-ed25519@openssh.com AAAA\npublickey ssh-rsa AAAA\n\
            publickey sk-ecdsa-sha2-nistp256-cert-v01@openssh.com AAAA\n\
            hostbased ssh-ed25519 AAAA\nkeyboard-interactive/pam\npassword\n";
        let all: Vec<_> = ssh_methods(text)
            .map(|method| (method.name, method.asks_pam(), method.amr()))
            .collect();
        assert_eq!(
            all,
            [
                ("publickey", false, Some("hwk")),
                ("publickey", false, Some("swk")),
                ("publickey", false, Some("hwk")),
                ("hostbased", false, None),
                ("keyboard-interactive", true, None),
                ("password", true, None),
            ]
        );
        assert_eq!(ssh_methods("").count(), 0);
    }
}

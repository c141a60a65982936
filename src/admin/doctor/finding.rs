//! What the doctor has to say of one thing.

/// What was looked at, in the order in which it is told: first what refuses everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// pam-jwt.toml and issuers.d.
    Configuration,
    /// Owners and modes of files.
    Files,
    /// pam.d, and the module that it names.
    Pam,
    /// sshd_config, as sshd understands it.
    Sshd,
    /// This clock against others.
    Clock,
    /// Keys, their age, and what else is fetched.
    Keys,
    /// Accounts, shells, /etc/shadow.
    Accounts,
    /// SELinux and AppArmor.
    Denials,
    /// The last refusals that were logged.
    Refusals,
}

impl Topic {
    /// All, in their order.
    pub const ALL: [Self; 9] = [
        Self::Configuration,
        Self::Files,
        Self::Pam,
        Self::Sshd,
        Self::Clock,
        Self::Keys,
        Self::Accounts,
        Self::Denials,
        Self::Refusals,
    ];

    /// For scripts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Files => "files",
            Self::Pam => "pam",
            Self::Sshd => "sshd",
            Self::Clock => "clock",
            Self::Keys => "keys",
            Self::Accounts => "accounts",
            Self::Denials => "denials",
            Self::Refusals => "refusals",
        }
    }

    /// For people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Configuration => "Configuration",
            Self::Files => "Owners and modes of files",
            Self::Pam => "PAM lines",
            Self::Sshd => "sshd",
            Self::Clock => "Clock",
            Self::Keys => "Keys",
            Self::Accounts => "Accounts",
            Self::Denials => "SELinux and AppArmor",
            Self::Refusals => "Last refusals",
        }
    }
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Fine,
    /// It makes logins fail.
    Wrong,
    /// It may, or will.
    Doubtful,
    /// It could not be looked at.
    Unseen,
    /// It has happened.
    Told,
}

impl Verdict {
    /// For scripts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Wrong => "wrong",
            Self::Doubtful => "doubtful",
            Self::Unseen => "unseen",
            Self::Told => "told",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it belongs to.
    pub topic: Topic,
    /// How it is.
    pub verdict: Verdict,
    /// What is so, in plain words.
    pub says: String,
    /// What to do about it; nothing where nothing is to be done.
    pub mend: String,
}

impl Topic {
    /// It is as it should be.
    pub fn fine(self, says: impl Into<String>) -> Finding {
        self.finding(Verdict::Fine, says.into(), "")
    }

    /// It makes logins fail, until this is done.
    pub fn wrong(self, says: impl Into<String>, mend: &str) -> Finding {
        self.finding(Verdict::Wrong, says.into(), mend)
    }

    /// It may make logins fail.
    pub fn doubtful(self, says: impl Into<String>, mend: &str) -> Finding {
        self.finding(Verdict::Doubtful, says.into(), mend)
    }

    /// It could not be looked at.
    pub fn unseen(self, says: impl Into<String>, mend: &str) -> Finding {
        self.finding(Verdict::Unseen, says.into(), mend)
    }

    /// Of this verdict.
    pub fn finding(self, verdict: Verdict, says: String, mend: &str) -> Finding {
        let mend = mend.to_owned();
        Finding {
            topic: self,
            verdict,
            says,
            mend,
        }
    }
}

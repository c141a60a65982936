//! Scenarios as data: one TOML file each in `tests/scenarios`, written by hand.
//! Each is a login in one small world, and says what the user sees, what libpam
//! gets and what is logged, to the letter.

pub mod mint;
pub mod world;

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// One login.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The file's name without its ending.
    #[serde(skip)]
    pub name: String,
    /// What it shows, in a sentence.
    pub about: String,
    /// The lines of tests/checklist.txt that it shows.
    #[serde(default)]
    pub checklist: Vec<String>,
    /// The arguments of the pam_jwt.so lines.
    #[serde(default)]
    pub options: String,
    /// Who logs in.
    #[serde(default = "alice")]
    pub account: String,
    /// The clock, where it is not the world's.
    pub clock: Option<String>,
    /// The issuer file's rules, where they are not the world's.
    pub allow: Option<String>,
    /// `pam-jwt.toml`, where it is not empty.
    #[serde(default)]
    pub settings: String,
    /// The token that `{token}` stands for.
    #[serde(default)]
    pub token: Token,
    /// What the user is asked and told, in order.
    #[serde(default)]
    pub talk: Vec<Talk>,
    /// What libpam gets: `PAM_IGNORE` where the module steps aside.
    pub codes: BTreeMap<String, String>,
    /// False for an account that does not exist: sshd gives PAM junk in place of
    /// what was typed, so the module never sees the token.
    #[serde(default = "yes")]
    pub sshd_passes_secret: bool,
    /// The exit status of `pam-jwt verify`, where it cannot be the login's because
    /// the fault is not in what that command looks at.
    pub verify: Option<i32>,
    /// The audit line, without the name that syslog puts before it.
    pub audit: String,
}

/// A token, as its difference from a good one.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Token {
    /// Whose key signs it; one of [`mint::KEYS`].
    pub key: Option<String>,
    /// Header parameters, over alg, kid and typ.
    pub header: toml::Table,
    /// Claims, over the good ones.
    pub claims: toml::Table,
    /// Claims and header parameters that are left out.
    pub without: Vec<String>,
    /// The payload's text, in place of the claims.
    pub payload: Option<String>,
    /// The signature, in place of the real one.
    pub signature: Option<String>,
    /// The whole secret, in place of a token.
    pub secret: Option<String>,
}

/// A message or a prompt.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Talk {
    /// `echo_off`, `echo_on`, `info` or `error`
    pub style: String,
    /// The text, to the letter.
    pub text: String,
    /// The answer to a prompt.
    pub answer: Option<String>,
}

fn alice() -> String {
    "alice".to_owned()
}

fn yes() -> bool {
    true
}

impl Scenario {
    /// All scenarios, in the order of their names.
    pub fn all() -> Vec<Self> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let mut paths: Vec<_> = std::fs::read_dir(&dir)
            .expect("tests/scenarios")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        paths.sort_unstable();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a scenario");
        let mut scenario: Self =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        scenario.name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        scenario
    }

    /// What libpam gets from a phase.
    pub fn code(&self, phase: &str) -> &str {
        self.codes
            .get(phase)
            .unwrap_or_else(|| panic!("{}: codes.{phase} is missing", self.name))
    }

    /// The reason code of the audit line.
    pub fn reason(&self) -> &str {
        let field = self
            .audit
            .split(' ')
            .find_map(|field| field.strip_prefix("reason="));
        field.unwrap_or_else(|| panic!("{}: the audit line has no reason", self.name))
    }
}

impl Talk {
    /// As pam-host prints it.
    pub fn event(&self) -> String {
        format!("{} {}", self.style, self.text)
    }
}

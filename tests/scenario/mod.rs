//! Scenarios as data: one TOML file each in `tests/scenarios`, written by hand.
//! Each is a login in one small world, and says what the user sees, what libpam
//! gets and what is logged, to the letter. A file with `[[variant]]` tables is as
//! many scenarios: what a variant says stands in place of what the file says.

pub mod mint;
pub mod world;

use machine::{PIECE, in_pieces};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use toml::Value;

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
    /// Whether the issuer's keys are fetched, and were at the world's moment.
    #[serde(default)]
    pub fetched: bool,
    /// Shell commands that change the configuration, in its directory.
    pub change: Option<String>,
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
    /// Why this login cannot be tried over ssh, where it cannot.
    pub without_ssh: Option<String>,
    /// The exit status of `pam-jwt verify`, where it cannot be the login's because
    /// the fault is not in what that command looks at.
    pub verify: Option<i32>,
    /// What `pam-jwt check` finds besides; of a configuration that does not load it
    /// always finds what the audit line says.
    pub check: Option<String>,
    /// The audit line, without the name that syslog puts before it.
    pub audit: String,
    /// What `{NAME}` stands for in `audit`, `check`, `change` and what is said, where
    /// variants differ.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
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
    /// Header parameters with the signing key's public half: `jwk`, `x5c`.
    pub embed: Vec<String>,
    /// The header's text, in place of the parameters; `{deep}` is 10,000 arrays in
    /// one another.
    pub header_text: Option<String>,
    /// The payload's text, in place of the claims; `{deep}` as above.
    pub payload: Option<String>,
    /// The part whose unused last bits are set: `header`, `payload` or `signature`.
    pub trailing_bits: Option<String>,
    /// HMAC-SHA-256 in place of a signature; its key is the file of the public key,
    /// as `pem` or as `der`.
    pub hmac: Option<String>,
    /// The signature, in place of the real one.
    pub signature: Option<String>,
    /// How many bytes the token has; a claim fills it up.
    pub length: Option<usize>,
    /// How many bytes of the secret are left.
    pub cut: Option<usize>,
    /// What is made of `{token}`, or of `{header}`, `{payload}` and `{signature}`.
    pub form: Option<String>,
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
    /// The answer to a prompt: `{token}` is the whole of it, `{token[500]}` the piece that
    /// begins behind 500 bytes.
    pub answer: Option<String>,
}

fn alice() -> String {
    "alice".to_owned()
}

fn yes() -> bool {
    true
}

/// What is asked and told in a login, as pam-host prints it, and what is answered.
#[derive(Debug, Default)]
pub struct Exchange {
    pub events: Vec<String>,
    pub answers: Vec<String>,
}

/// `under`, with what `over` says in its place, table by table.
fn laid_over(mut under: toml::Table, over: toml::Table) -> toml::Table {
    for (name, value) in over {
        let value = match (under.remove(&name), value) {
            (Some(Value::Table(under)), Value::Table(over)) => Value::Table(laid_over(under, over)),
            (_, value) => value,
        };
        under.insert(name, value);
    }
    under
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
        paths.iter().flat_map(|path| Self::read(path)).collect()
    }

    /// The scenario in a file, or its variants, numbered from 1.
    fn read(path: &Path) -> Vec<Self> {
        let name = path.file_stem().expect("a name").to_string_lossy();
        let text = std::fs::read_to_string(path).expect("a scenario");
        let mut file: toml::Table =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let scenario = |table: toml::Table, name: String| -> Self {
            let read = table.try_into();
            let scenario: Self = read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            Self { name, ..scenario }.filled_in()
        };
        let Some(variants) = file.remove("variant") else {
            return vec![scenario(file, name.into_owned())];
        };
        let variants: Vec<toml::Table> = variants.try_into().expect("[[variant]] tables");
        (1..)
            .zip(variants)
            .map(|(number, variant)| {
                scenario(
                    laid_over(file.clone(), variant),
                    format!("{name}, {number}"),
                )
            })
            .collect()
    }

    /// Itself, with what `with` says in its places.
    fn filled_in(mut self) -> Self {
        for (name, value) in &self.with {
            let place = format!("{{{name}}}");
            let texts = [
                Some(&mut self.audit),
                self.check.as_mut(),
                self.change.as_mut(),
            ];
            let mut found = false;
            let talk = self.talk.iter_mut().map(|talk| &mut talk.text);
            for text in texts.into_iter().flatten().chain(talk) {
                found |= text.contains(&place);
                *text = text.replace(&place, value);
            }
            assert!(found, "{}: {place} is nowhere", self.name);
        }
        self
    }

    /// The one in which nothing is out of the ordinary.
    pub fn good() -> Self {
        let good = Self::all()
            .into_iter()
            .find(|one| one.name == "accepted-eddsa");
        good.expect("a scenario")
    }

    /// What libpam gets from each phase that is come to, as pam-host prints it.
    pub fn phases(&self) -> impl Iterator<Item = String> {
        const ORDER: [&str; 6] = [
            "authenticate",
            "acct_mgmt",
            "setcred",
            "open_session",
            "close_session",
            "delete_cred",
        ];
        let code = |phase| Some(format!("{phase} {}", self.codes.get(phase)?));
        ORDER.into_iter().filter_map(code)
    }

    /// What libpam gets from a phase.
    pub fn code(&self, phase: &str) -> &str {
        self.codes
            .get(phase)
            .unwrap_or_else(|| panic!("{}: codes.{phase} is missing", self.name))
    }

    /// What is said in a login with `secret`.
    pub fn exchange(&self, secret: &str) -> Exchange {
        let pieces = in_pieces(secret);
        let answer = |answer: &String| {
            let pieces = pieces.iter().enumerate();
            pieces.fold(answer.replace("{token}", secret), |answer, (at, piece)| {
                answer.replace(&format!("{{token[{}]}}", at * PIECE), piece)
            })
        };
        Exchange {
            events: self.talk.iter().map(Talk::event).collect(),
            answers: self
                .talk
                .iter()
                .filter_map(|talk| talk.answer.as_ref())
                .map(answer)
                .collect(),
        }
    }

    /// The same where the user gives the secret in pieces: each prompt that is answered
    /// with all of it is followed by those that continue it.
    pub fn exchange_in_pieces(&self, secret: &str) -> Exchange {
        let mut exchange = Exchange::default();
        for talk in &self.talk {
            exchange.events.push(talk.event());
            match talk.answer.as_deref() {
                Some("{token}") => {
                    let pieces = in_pieces(secret);
                    let further = 1..pieces.len();
                    let event = |at| format!("{} token[{}]: ", talk.style, at * PIECE);
                    exchange.events.extend(further.map(event));
                    exchange.answers.extend(pieces);
                }
                answer => exchange.answers.extend(answer.map(str::to_owned)),
            }
        }
        exchange
    }

    /// Whether it is about how long an answer is.
    pub fn is_about_a_length(&self) -> bool {
        let is_cut = |talk: &Talk| talk.text.contains("it was cut at");
        self.settings.contains("max_token_bytes") || self.talk.iter().any(is_cut)
    }

    /// Whether the scenario itself is about pieces.
    pub fn is_about_pieces(&self) -> bool {
        let mut answers = self.talk.iter().filter_map(|talk| talk.answer.as_ref());
        answers.any(|answer| answer.contains("{token["))
    }

    /// The reason code of the audit line.
    pub fn reason(&self) -> &str {
        let field = self
            .audit
            .split(' ')
            .find_map(|field| field.strip_prefix("reason="));
        field.unwrap_or_else(|| panic!("{}: the audit line has no reason", self.name))
    }

    /// The detail that ends the audit line, unquoted, and as far as a log shows it.
    pub fn detail(&self) -> Option<String> {
        let (_, quoted) = self.audit.split_once(" detail=")?;
        let quoted = quoted.trim_matches('"');
        let mut pieces = quoted.trim_end_matches("...").split("\\x");
        let mut bytes = pieces.next()?.as_bytes().to_vec();
        for piece in pieces {
            let (hex, plain) = piece.split_at(2);
            bytes.push(u8::from_str_radix(hex, 16).expect("two digits behind \\x"));
            bytes.extend(plain.as_bytes());
        }
        Some(String::from_utf8(bytes).expect("UTF-8"))
    }
}

impl Talk {
    /// As pam-host prints it.
    pub fn event(&self) -> String {
        format!("{} {}", self.style, self.text)
    }
}

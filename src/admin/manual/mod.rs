//! The manual pages of what is no command: the module, and the settings that it reads. The texts
//! are beside this file; what the code knows is put into them, and lists of keys are held against
//! the parser.

mod global;
mod issuer;
#[cfg(test)]
mod tests;

use cli::manual::{Document, settings};
use policy::reason::Reason;

/// Lines of pam.d, and where they are on a machine.
const EXAMPLES: [(&str, &str); 6] = [
    ("sshd", include_str!("../../../conf/pam.d/sshd")),
    (
        "sshd-token-only",
        include_str!("../../../conf/pam.d/sshd-token-only"),
    ),
    ("sshd-issue", include_str!("../../../conf/pam.d/sshd-issue")),
    ("sudo", include_str!("../../../conf/pam.d/sudo")),
    ("faillock", include_str!("../../../conf/pam.d/faillock")),
    ("postgresql", include_str!("../../../conf/pam.d/postgresql")),
];

const ISSUER: &str = include_str!("../../../conf/issuers.d/example.toml");

/// The pages.
pub fn documents() -> [Document; 3] {
    let pam_jwt = include_str!("pam_jwt.md")
        .replace("{examples}\n", &examples())
        .replace("{reasons}\n", &reasons());
    let global = include_str!("pam-jwt.toml.md")
        .replace("{global}\n", &settings::list(global::KEYS))
        .replace("{issue}\n", &settings::list(global::ISSUE))
        .replace("{example}\n", &as_it_is(global::EXAMPLE));
    let issuer = include_str!("pam-jwt-issuer.md")
        .replace("{issuer}\n", &settings::list(issuer::KEYS))
        .replace("{key}\n", &settings::list(issuer::KEY))
        .replace("{allow}\n", &settings::list(issuer::ALLOW))
        .replace("{device}\n", &settings::list(issuer::DEVICE))
        .replace("{introspection}\n", &settings::list(issuer::INTROSPECTION))
        .replace("{example}\n", &as_it_is(ISSUER));
    [
        ("pam_jwt", "8", pam_jwt),
        ("pam-jwt.toml", "5", global),
        ("pam-jwt-issuer", "5", issuer),
    ]
    .map(|(name, section, text)| Document {
        name,
        section,
        text,
    })
}

fn examples() -> String {
    let example = |(name, text): (&str, &str)| {
        format!(
            "*/usr/share/doc/pam-jwt/pam.d/{name}*:\n\n{}",
            as_it_is(text)
        )
    };
    EXAMPLES.map(example).concat()
}

fn reasons() -> String {
    let reason = |reason: &Reason| {
        let (code, text, advice) = (reason.code(), reason.text(), reason.advice());
        format!("`{code}`\n: {text}\n\n: {advice}\n\n")
    };
    Reason::ALL.iter().map(reason).collect()
}

/// A file, as a page shows it.
fn as_it_is(text: &str) -> String {
    let lines: String = text.lines().map(|line| format!("    {line}\n")).collect();
    lines + "\n"
}

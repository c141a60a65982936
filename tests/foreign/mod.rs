//! What the tests know of other people's JWT libraries: which there are, what they
//! have, and how the scripts beside this file are asked to mint and verify with them.
//! `make foreign` installs them.

use machine::{Command, Machine};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The algorithms of RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2 and RFC 9964 §5.
pub const EVERY: [&str; 17] = [
    "HS256",
    "HS384",
    "HS512",
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
    "ML-DSA-44",
    "ML-DSA-65",
    "ML-DSA-87",
];

/// Those of RFC 9964. The Python libraries for JWT have no key of type AKP yet, and jose
/// has what Node has, which is none before 24.
pub const POST_QUANTUM: [&str; 3] = ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"];

/// A library, and how it answers.
pub struct Library {
    /// Its name, also in what is its: issuer, kids, files.
    pub name: &'static str,
    script: &'static str,
    /// The algorithms of which it knows no key or name.
    pub lacks: &'static [&'static str],
    /// How it refuses a signature that does not verify, another issuer, another audience.
    pub refusals: [&'static str; 3],
}

/// The libraries, as the versions that are pinned beside this file answer.
pub const LIBRARIES: [Library; 4] = [
    Library {
        name: "PyJWT",
        script: "use_pyjwt.py",
        lacks: &["Ed25519", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"],
        refusals: [
            "InvalidSignatureError",
            "InvalidIssuerError",
            "InvalidAudienceError",
        ],
    },
    Library {
        name: "joserfc",
        script: "use_joserfc.py",
        lacks: &POST_QUANTUM,
        refusals: [
            "BadSignatureError",
            "InvalidClaimError",
            "InvalidClaimError",
        ],
    },
    Library {
        name: "jose",
        script: "use_jose.mjs",
        lacks: &POST_QUANTUM,
        refusals: [
            "JWSSignatureVerificationFailed",
            "JWTClaimValidationFailed",
            "JWTClaimValidationFailed",
        ],
    },
    Library {
        name: "cryptography",
        script: "use_cryptography.py",
        lacks: EVERY.split_at(14).0,
        refusals: ["InvalidSignature", "InvalidToken", "InvalidToken"],
    },
];

/// Where they are, and their interpreters.
///
/// # Panics
///
/// If `make foreign` has not installed them.
pub fn installed() -> PathBuf {
    let installed = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("foreign");
    assert!(
        installed.join("installed").exists(),
        "the libraries are not installed: `make foreign`"
    );
    installed
}

/// A script of this directory, by the interpreter that is installed for it. It trusts the
/// authorities that the machine trusts.
pub fn script<'m>(machine: &'m Machine, name: &str) -> Command<'m> {
    let interpreter = match name.ends_with(".mjs") {
        true => "bin/node",
        false => "bin/python3",
    };
    let script: PathBuf = [env!("CARGO_MANIFEST_DIR"), "foreign", name]
        .iter()
        .collect();
    let trusted = "/etc/ssl/certs/ca-certificates.crt";
    ["NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"]
        .into_iter()
        .fold(
            machine.command([installed().join(interpreter), script]),
            |command, name| command.env(name, trusted),
        )
}

/// The token with one character of its signature changed.
pub fn changed(token: &str) -> String {
    let at = token.rfind('.').expect("a signature") + 10;
    let other = match &token[at..=at] {
        "A" => "B",
        _ => "A",
    };
    format!("{}{other}{}", &token[..at], &token[at + 1..])
}

impl Library {
    /// Whether it has this algorithm.
    pub fn has(&self, alg: &str) -> bool {
        !self.lacks.contains(&alg)
    }

    /// Runs its script once, for all `requests`, which exchange.py describes.
    pub fn ask(&self, machine: &Machine, what: &str, requests: &[Value]) -> Vec<Value> {
        let output = script(machine, self.script)
            .arg(what)
            .arg(installed())
            .stdin(Value::from(requests).to_string())
            .run()
            .expect_success();
        let answers: Vec<Value> = serde_json::from_str(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{output}"));
        assert_eq!(answers.len(), requests.len(), "{output}");
        answers
    }
}

//! Other people's JWT libraries, for every algorithm: their tokens log in at a real
//! sshd, and ours verify with them. What a library does is in a script of its own in
//! tests/foreign; `make foreign` installs what these need. The clock is the real one.

use machine::{ISSUER, Machine};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::thread;
use std::time::SystemTime;

/// RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2.
const EVERY: [&str; 14] = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
    "ES384", "ES512", "EdDSA", "Ed25519",
];

/// Those of them that pam-jwt knows so far.
const BUILT: &[&str] = &["RS256", "ES256", "EdDSA"];

const AUDIENCE: &str = "ssh://machine";

/// So many logins go on at a time; sshd begins to turn connections away at ten.
const AT_ONCE: usize = 4;

/// A library, and how it answers.
struct Library {
    name: &'static str,
    /// Its interpreter, in what `make foreign` installs.
    interpreter: &'static str,
    script: &'static str,
    /// The algorithms of which it knows no key or name.
    lacks: &'static [&'static str],
    /// How it refuses a signature that does not verify, another issuer, another audience.
    refusals: [&'static str; 3],
}

const LIBRARIES: [Library; 3] = [
    Library {
        name: "PyJWT",
        interpreter: "bin/python3",
        script: "use_pyjwt.py",
        lacks: &["Ed25519"],
        refusals: [
            "InvalidSignatureError",
            "InvalidIssuerError",
            "InvalidAudienceError",
        ],
    },
    Library {
        name: "joserfc",
        interpreter: "bin/python3",
        script: "use_joserfc.py",
        lacks: &[],
        refusals: [
            "BadSignatureError",
            "InvalidClaimError",
            "InvalidClaimError",
        ],
    },
    Library {
        name: "jose",
        interpreter: "bin/node",
        script: "use_jose.mjs",
        lacks: &[],
        refusals: [
            "JWSSignatureVerificationFailed",
            "JWTClaimValidationFailed",
            "JWTClaimValidationFailed",
        ],
    },
];

/// A key of a library's, and a token by it.
struct Minted {
    alg: &'static str,
    kid: String,
    jwk: Value,
    pem: Option<String>,
    token: String,
}

impl Library {
    fn issuer(&self) -> String {
        format!("https://{}.example.org", self.name)
    }

    fn has(&self, alg: &str) -> bool {
        !self.lacks.contains(&alg)
    }

    /// Runs its script once, for all `requests`.
    fn ask(&self, machine: &Machine, what: &str, requests: &[Value]) -> Vec<Value> {
        let installed = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("foreign");
        assert!(
            installed.join("installed").exists(),
            "the libraries are not installed: `make foreign`"
        );
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("foreign")
            .join(self.script);
        let output = machine
            .command([installed.join(self.interpreter), script])
            .arg(what)
            .arg(installed)
            .stdin(Value::from(requests).to_string())
            .run()
            .expect_success();
        let answers: Vec<Value> = serde_json::from_str(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}\n{output}"));
        assert_eq!(answers.len(), requests.len(), "{output}");
        answers
    }

    /// A key and a token for every algorithm that it has.
    fn mint(&self, machine: &Machine) -> Vec<Minted> {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("a clock")
            .as_secs();
        let kid = |alg: &str| format!("{}-{alg}", self.name);
        let requests = EVERY.map(|alg| {
            let claims = json!({
                "iss": self.issuer(), "sub": "alice", "aud": AUDIENCE, "iat": now, "exp": now + 600,
                "jti": format!("{now}-{alg}"),
            });
            json!({ "alg": alg, "kid": kid(alg), "claims": claims })
        });
        let mut minted = Vec::new();
        for (alg, answer) in EVERY.into_iter().zip(self.ask(machine, "mint", &requests)) {
            let text = |name: &str| answer[name].as_str().map(str::to_owned);
            match text("token") {
                Some(token) => minted.push(Minted {
                    alg,
                    kid: kid(alg),
                    jwk: answer["jwk"].clone(),
                    pem: text("pem"),
                    token,
                }),
                None => assert!(!self.has(alg), "{} and {alg}: {answer}", self.name),
            }
        }
        assert_eq!(minted.len(), EVERY.len() - self.lacks.len(), "{}", self.name);
        minted
    }
}

impl Minted {
    /// Whether it is trusted as PEM. From one library to the next it is the other half of
    /// the algorithms, so that each is trusted in both forms.
    fn as_pem(&self, library: usize) -> Option<&str> {
        let place = EVERY.iter().position(|alg| *alg == self.alg)?;
        self.pem
            .as_deref()
            .filter(|_| (place + library).is_multiple_of(2))
    }
}

/// Trusts the keys in a file of issuers.d: what is public as PEM or in one JWK Set,
/// what is secret in another that root alone can read.
fn trust(machine: &Machine, place: usize, library: &Library, minted: &[Minted]) {
    let (name, directory) = (library.name, "/etc/pam-jwt/keys");
    let mut keys = Vec::new();
    let (mut public, mut secret) = (Vec::new(), Vec::new());
    for Minted { alg, kid, jwk, .. } in minted {
        match minted
            .iter()
            .find(|other| other.kid == *kid)
            .and_then(|found| found.as_pem(place))
        {
            Some(pem) => {
                let file = format!("{directory}/{kid}.pem");
                machine.write(&file, pem, 0o644);
                keys.push(format!(
                    "{{ file = \"{file}\", alg = \"{alg}\", kid = \"{kid}\" }}"
                ));
            }
            None if jwk["kty"] == "oct" => secret.push(jwk),
            None => public.push(jwk),
        }
    }
    for (file, jwks, mode) in [
        (format!("{directory}/{name}.jwks"), public, 0o644),
        (format!("{directory}/{name}-secret.jwks"), secret, 0o600),
    ] {
        if !jwks.is_empty() {
            machine.write(&file, json!({ "keys": jwks }).to_string(), mode);
            keys.push(format!("\"{file}\""));
        }
    }
    let text = format!(
        "issuer = \"{}\"\naudience = [\"ssh://{{hostname}}\"]\nkeys = [{}]\n\
         [[allow]]\naccount = \"{{sub}}\"\nservices = [\"sshd\"]\n",
        library.issuer(),
        keys.join(", ")
    );
    machine.write(&format!("/etc/pam-jwt/issuers.d/{name}.toml"), text, 0o644);
}

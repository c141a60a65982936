//! Other people's JWT libraries, for every algorithm: their tokens log in at a real
//! sshd, and ours verify with them. The clock is the real one.

#[path = "../foreign/mod.rs"]
mod foreign;
#[path = "../foreign/mint.rs"]
mod mint;

use foreign::{EVERY, LIBRARIES, Library, POST_QUANTUM, changed};
use machine::{ISSUER, Machine, Output, in_pieces, tell};
use mint::{AUDIENCE, Minted};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::thread;

/// So many logins go on at a time; sshd begins to turn connections away at ten.
const AT_ONCE: usize = 4;

/// Trusts the keys in a file of issuers.d: what is public as PEM or in one JWK Set,
/// what is secret in another that root alone can read.
fn trust(machine: &Machine, place: usize, library: &Library, minted: &[Minted]) {
    let (name, directory) = (library.name, "/etc/pam-jwt/keys");
    let mut keys = Vec::new();
    let (mut public, mut secret) = (Vec::new(), Vec::new());
    for one in minted {
        let Minted { alg, kid, jwk, .. } = one;
        match one.as_pem(place) {
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

/// What speaks against a login over ssh with this token.
fn login(machine: &Machine, minted: &Minted) -> Result<(), String> {
    let login = machine
        .ssh("alice")
        .answers(in_pieces(&minted.token))
        .command("id -un");
    let decided = login.log.iter().any(|line| {
        let audit = &line.message;
        audit.contains("result=accepted") && audit.contains(&format!(" kid={} ", minted.kid))
    });
    match (login.code(), login.stdout.as_str(), decided) {
        (Some(0), "alice\n", true) => Ok(()),
        _ => Err(format!("{} did not log in: {login}", minted.kid)),
    }
}

fn verify(machine: &Machine, token: &str) -> Output {
    let verify = "pam-jwt --json verify --user alice --service sshd";
    machine.command(verify.split(' ')).stdin(token).run()
}

/// What speaks against the refusal of the token with a changed signature, by the
/// function that decides a login.
fn refusal(machine: &Machine, minted: &Minted) -> Result<(), String> {
    let output = verify(machine, &changed(&minted.token));
    let report: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
    match (output.code(), report["reason"].as_str()) {
        (Some(1), Some("signature_invalid")) => Ok(()),
        _ => Err(format!("{}, changed: {output}", minted.kid)),
    }
}

/// Does it for all, several at a time.
fn side_by_side<T: Sync, R: Send>(all: &[T], does: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let does = &does;
    thread::scope(|scope| {
        let threads: Vec<_> = all
            .chunks(all.len().div_ceil(AT_ONCE))
            .map(|chunk| scope.spawn(move || chunk.iter().map(does).collect::<Vec<R>>()))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("no panic"))
            .collect()
    })
}

/// A line for each library, a column for each algorithm.
fn table(cell: impl Fn(&Library, &str) -> &'static str) -> String {
    let mut table = format!("{:13}{}\n", "", EVERY.join(" "));
    for library in &LIBRARIES {
        let mut row = format!("{:13}", library.name);
        for alg in &EVERY {
            row += &format!("{:1$}", cell(library, alg), alg.len() + 1);
        }
        table += row.trim_end();
        table.push('\n');
    }
    table
}

/// Checklist: A.19, A.19b
#[test]
fn tokens_of_every_library_log_in_and_changed_ones_do_not() {
    let machine = Machine::ready();
    let mut tokens = Vec::new();
    for (place, library) in LIBRARIES.iter().enumerate() {
        let minted = library.mint(&machine);
        trust(&machine, place, library, &minted);
        tokens.extend(minted);
    }
    for alg in &EVERY {
        assert!(LIBRARIES.iter().any(|library| library.has(alg)), "{alg}");
    }
    let _sshd = machine.sshd(&[]);
    let outcomes = side_by_side(&tokens, |minted| {
        (login(&machine, minted), refusal(&machine, minted))
    });

    let got_in = |kid: &str| {
        let outcome = tokens
            .iter()
            .zip(&outcomes)
            .find(|(minted, _)| minted.kid == kid);
        outcome.map_or(
            "-",
            |(_, (login, _))| if login.is_ok() { "in" } else { "OUT" },
        )
    };
    tell(&format!(
        "{}{} of {} tokens logged in, {} of {} changed ones were refused",
        table(|library, alg| got_in(&format!("{}-{alg}", library.name))),
        outcomes.iter().filter(|(login, _)| login.is_ok()).count(),
        tokens.len(),
        outcomes
            .iter()
            .filter(|(_, refusal)| refusal.is_ok())
            .count(),
        tokens.len(),
    ));
    let wrong: Vec<&String> = outcomes
        .iter()
        .flat_map(|(login, refusal)| [login, refusal])
        .filter_map(|outcome| outcome.as_ref().err())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A key and a token of ours, as a library is given them.
struct Ours {
    alg: &'static str,
    jwk: Value,
    token: String,
    claims: Value,
}

fn ours(machine: &Machine, alg: &'static str) -> Ours {
    let json = |arguments: &str| -> Value {
        let words = ["pam-jwt", "--json"]
            .into_iter()
            .chain(arguments.split(' '));
        let output = machine.run(words).expect_success();
        serde_json::from_str(&output.stdout).expect("JSON")
    };
    let key = json(&format!("keygen --alg {alg} --out /root/{alg}.jwk"));
    let issued = json(&format!(
        "issue alice --key /root/{alg}.jwk --issuer {ISSUER} --audience {AUDIENCE}"
    ));
    // A symmetric key has no public half.
    let private = key["private"].as_str().expect("a file");
    let jwk = machine.read(key["public"].as_str().unwrap_or(private));
    Ours {
        alg,
        jwk: serde_json::from_str(&jwk).expect("a JWK"),
        token: issued["token"].as_str().expect("a token").to_owned(),
        claims: issued["claims"].clone(),
    }
}

/// What the installed command names where it refuses an algorithm.
fn known(machine: &Machine) -> BTreeSet<String> {
    let refused = machine
        .run(["pam-jwt", "keygen", "--alg", "none", "--out", "/root/x"])
        .expect_code(2);
    let list = refused.stderr.lines().find(|line| line.contains(", "));
    let (_, names) = list
        .and_then(|line| line.rsplit_once(": "))
        .expect("a list");
    let names = names.trim_end_matches(']');
    names.split(", ").map(str::to_owned).collect()
}

/// Has every library verify the tokens whose algorithm it has, each as it is and where it has
/// to be refused; how often it was one and the other.
fn read_by_all(machine: &Machine, ours: &[Ours]) -> (u32, u32) {
    let (mut verified, mut refused) = (0, 0);
    for library in &LIBRARIES {
        let ours = ours.iter().filter(|ours| library.has(ours.alg));
        let (mut requests, mut expected) = (Vec::new(), Vec::new());
        for Ours {
            alg,
            jwk,
            token,
            claims,
        } in ours
        {
            let request = |token: &str, issuer: &str, audience: &str| json!({ "alg": alg, "jwk": jwk, "token": token, "issuer": issuer, "audience": audience });
            requests.extend([
                request(token, ISSUER, AUDIENCE),
                request(&changed(token), ISSUER, AUDIENCE),
                request(token, "https://other.example.org", AUDIENCE),
                request(token, ISSUER, "ssh://other"),
            ]);
            expected.push((alg, json!({ "claims": claims })));
            expected.extend(
                library
                    .refusals
                    .map(|name| (alg, json!({ "refused": name }))),
            );
        }
        let answers = library.ask(machine, "verify", &requests);
        for ((alg, expected), mut answer) in expected.into_iter().zip(answers) {
            let shown = format!("{} and {alg}: {answer}", library.name);
            let detail = answer.as_object_mut().expect("an object").remove("detail");
            assert_eq!(answer, expected, "{shown}");
            match detail {
                None => verified += 1,
                Some(_) => refused += 1,
            }
        }
    }
    (verified, refused)
}

/// Checklist: A.19, A.19b
#[test]
fn our_tokens_verify_in_every_library_and_changed_ones_do_not() {
    let machine = Machine::ready();
    let every = EVERY.iter().map(|alg| (*alg).to_owned()).collect();
    assert_eq!(known(&machine), every, "what pam-jwt knows is tested here");

    let ours: Vec<Ours> = EVERY.iter().map(|alg| ours(&machine, alg)).collect();
    let (verified, refused) = read_by_all(&machine, &ours);
    tell(&format!(
        "{}{verified} times a token of ours verified, {refused} times one was refused that should be",
        table(|library, alg| if library.has(alg) { "yes" } else { "-" }),
    ));
}

/// The algorithms of the keys that sessions' tokens are tried with.
const OF_SESSIONS: [&str; 3] = ["EdDSA", "ES256", "RS256"];

/// The token that a login over ssh has issued, by a key of this algorithm.
fn of_a_session(machine: &Machine, alg: &'static str) -> Ours {
    let key = ours(machine, alg);
    let settings = format!(
        "[issue]\nissuer = \"{ISSUER}\"\naudience = [\"{AUDIENCE}\"]\nservices = [\"sshd\"]\n\
         key = \"/root/{alg}.jwk\"\nclaims = {{ sun = \"{{account}}\", groups = \"{{groups}}\" }}\n"
    );
    machine.write("/etc/pam-jwt/pam-jwt.toml", settings, 0o644);
    let login = machine.ssh("alice").answers([machine.token(["alice"])]);
    let login = login.command("cat \"$BEARER_TOKEN_FILE\"");
    assert_eq!(login.code(), Some(0), "{login}");
    let public = format!("/root/{alg}.pub.jwk");
    let verify = ["pam-jwt", "jws", "verify", "--key", &public];
    let verify = machine.command(verify).stdin(&*login.stdout).run();
    let claims: Value = serde_json::from_str(&verify.expect_success().stdout).expect("claims");
    assert_eq!(
        (&claims["client_id"], &claims["sun"]),
        (&json!("pam:sshd"), &json!("alice"))
    );
    Ours {
        token: login.stdout,
        claims,
        ..key
    }
}

#[test]
fn the_token_that_a_login_has_issued_verifies_in_every_library() {
    let machine = Machine::ready();
    machine.pam_line("sshd", "session optional pam_jwt.so issue");
    let _sshd = machine.sshd(&[]);
    let ours: Vec<Ours> = OF_SESSIONS
        .iter()
        .map(|alg| of_a_session(&machine, alg))
        .collect();
    let (verified, refused) = read_by_all(&machine, &ours);
    // Three libraries have all three.
    assert_eq!((verified, refused), (9, 27));
    tell(&format!(
        "{verified} times a session's token verified, {refused} times one was refused that should be"
    ));
}

/// A seed makes the same key on both sides, and either's private key signs for the other.
///
/// Checklist: A.19b
#[test]
fn ml_dsa_keys_go_both_ways_as_seeds() {
    let machine = Machine::ready();
    let library = LIBRARIES.iter().find(|library| library.has("ML-DSA-65"));
    let library = library.expect("one that has it");
    for alg in POST_QUANTUM {
        let ours = ours(&machine, alg);
        let private: Value =
            serde_json::from_str(&machine.read(&format!("/root/{alg}.jwk"))).expect("a JWK");
        let kid = ours.jwk["kid"].as_str().expect("a kid");
        // The machine's issuer trusts our key, by which the library now signs.
        machine.write("/etc/pam-jwt/keys/local.jwk", ours.jwk.to_string(), 0o644);
        let mint = |context: &str| json!({ "alg": alg, "kid": kid, "claims": ours.claims, "seed": private["priv"], "context": context });
        let new = json!({ "alg": alg, "kid": "theirs", "claims": ours.claims });
        let minted = library.ask(&machine, "mint", &[mint(""), mint("JWT"), new]);
        let [good, with_context, theirs] = minted.as_slice() else {
            panic!("three answers")
        };
        for (name, value) in good["private_jwk"].as_object().expect("an object") {
            assert_eq!(&private[name], value, "{alg}: {name}");
        }
        let token = |minted: &Value| minted["token"].as_str().expect("a token").to_owned();
        let _ = verify(&machine, &token(good)).expect_success();
        let key = format!("/root/{alg}.pub.jwk");
        let jws = ["pam-jwt", "jws", "verify", "--key", &key];
        let jws = |token: &str| machine.command(jws).stdin(token).run();
        let payload = jws(&token(good)).expect_success().stdout;
        let payload: Value = serde_json::from_str(&payload).expect("claims");
        assert_eq!(payload, ours.claims);

        // RFC 9964 §5: the context is empty.
        for refused in [
            verify(&machine, &token(with_context)),
            jws(&token(with_context)),
        ] {
            let refused = refused.expect_code(1);
            assert!(refused.stdout.contains("signature_invalid"), "{refused}");
        }

        // And ours by a key of the library's.
        let file = format!("/root/{alg}.theirs.jwk");
        machine.write(&file, theirs["private_jwk"].to_string(), 0o600);
        let issue = format!("issue alice --key {file} --issuer {ISSUER} --audience {AUDIENCE}");
        let issue = issue.split(' ').skip(1);
        let request = json!({ "alg": alg, "jwk": theirs["jwk"], "token": machine.token(issue), "issuer": ISSUER, "audience": AUDIENCE });
        let verified = library.ask(&machine, "verify", &[request]);
        assert_eq!(verified[0]["claims"]["sub"], "alice", "{verified:?}");
    }
}

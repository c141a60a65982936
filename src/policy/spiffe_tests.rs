//! JWT-SVIDs: what the file of a trust domain says, and whose a token without `iss` is.

use super::tests::{ALICE, NOW, grounds, world_of};
use super::*;
use crate::config::{Account, Config, Fault, Source, Strip};
use crate::explain::Silent;
use crate::trust::keys_in;
use jose::KeyUse;
use serde_json::{Value, json};

const FILE: &str = "spiffe='example.org'\naudience=['ssh://{hostname}']\nkeys=['/k']\n\
     [[allow]]\naccount='{sub}'\nstrip_prefix='spiffe://example.org/user/'\nservices=['sshd']\n";

fn config(issuer: &str) -> Result<Config, String> {
    let [global, issuer] =
        [("pam-jwt.toml", ""), ("i.toml", issuer)].map(|(file, text)| Source { file, text });
    let faults = |faults: Vec<Fault>| faults.iter().map(Fault::to_string).collect::<String>();
    Config::parse(global, &[issuer]).whole().map_err(faults)
}

#[test]
fn a_trust_domain_stands_in_place_of_an_issuer() {
    let config = config(FILE).unwrap();
    let domain = &config.issuers[0];
    assert_eq!(
        (&*domain.issuer, domain.is_trust_domain, domain.key_use()),
        ("spiffe://example.org", true, KeyUse::JwtSvid)
    );
    assert_eq!(domain.keys[0].key_use, KeyUse::JwtSvid);
    for (typ, is_accepted) in [
        (None, true),
        (Some("JWT"), true),
        (Some("jose"), true),
        (Some("at+jwt"), false),
    ] {
        assert_eq!(domain.types.accept(typ), is_accepted, "{typ:?}");
    }
    let strip = Strip::Prefix("spiffe://example.org/user/".into());
    assert!(
        matches!(&domain.allow[0].account, Account::Claim { strip: Some(s), .. } if *s == strip)
    );
}

#[test]
fn what_makes_no_sense_for_a_trust_domain_is_a_fault() {
    let ordinary = FILE.replace("spiffe='example.org'", "issuer='https://i'");
    for (file, from, to, message) in [
        (FILE, "spiffe=", "issuer='i'\nspiffe=", "in place of issuer"),
        (
            FILE,
            "'example.org'",
            "'Example.org'",
            "a trust domain is a name",
        ),
        (
            FILE,
            "'example.org'",
            "'spiffe://example.org'",
            "a trust domain is a name",
        ),
        (FILE, "'example.org'", "5", "invalid type"),
        (FILE, "keys=['/k']", "discover=true", "is an https URL"),
        (
            FILE,
            "keys=['/k']",
            "keys=['/k']\ndevice={client_id='c'}",
            "is an https URL",
        ),
        (FILE, "/user/'", "/user'", "strip_prefix begins"),
        (FILE, "/user/'", "/user//'", "strip_prefix begins"),
        (FILE, "/user/'", "/User/../'", "strip_prefix begins"),
        (
            FILE,
            "//example.org/user/",
            "//example.com/user/",
            "strip_prefix begins",
        ),
        (
            FILE,
            "//example.org/user/",
            "//example.org.x/",
            "strip_prefix begins",
        ),
        (FILE, "'{sub}'", "'{name}'", "is for account = \"{sub}\""),
        (
            FILE,
            "'{sub}'",
            "'alice'",
            "is for an account that is a placeholder",
        ),
        (
            FILE,
            "strip_prefix=",
            "strip_suffix='@x'\nstrip_prefix=",
            "not both",
        ),
        (
            FILE,
            "strip_prefix='spiffe://example.org/user/'\n",
            "",
            "is a SPIFFE ID",
        ),
        (
            &ordinary,
            "https://i",
            "https://i",
            "is for the file of a trust domain",
        ),
        (&ordinary, "https://i", "spiffe://i", "named by spiffe"),
        (&ordinary, "https://i", "SPIFFE://i", "named by spiffe"),
    ] {
        assert!(file.contains(from), "{from}");
        let faults = config(&file.replacen(from, to, 1)).expect_err(to);
        assert!(faults.contains(message), "{to}: {faults}");
    }
    let whole = FILE.replace("/user/", "/");
    assert!(config(&whole).is_ok());
}

#[test]
fn of_a_bundle_the_keys_for_jwt_svids_count() {
    let ec = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
    let ed = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
    let bundle = format!(
        r#"{{"spiffe_sequence":7,"spiffe_refresh_hint":300,"keys":[
            {{{ec},"use":"x509-svid","x5c":["MIIB"]}},{{{ec},"use":"jwt-svid","kid":"j"}},
            {{{ec},"kid":"u"}},{{{ec},"use":"sig","kid":"s"}},{{{ed},"use":"jwt-svid","kid":"e"}}]}}"#
    );
    let of = |issuer: &str| {
        let config = config(issuer).unwrap();
        let found = keys_in(&config.issuers[0].keys[0], bundle.as_bytes()).unwrap();
        let kids = found.keys.into_iter().map(|key| key.kid);
        (kids.collect::<Vec<_>>(), found.left_out.len())
    };
    assert_eq!(of(FILE), (vec!["j".to_owned()], 4));
    let ordinary = "issuer='i'\naudience=['a']\nkeys=['/k']\n";
    assert_eq!(of(ordinary), (vec!["u".to_owned(), "s".to_owned()], 3));
}

/// The world of the trust domain, of an issuer, and of another trust domain: with one key, so
/// that none of what is refused is refused for its signature.
fn decide(claims: &Value) -> Decision {
    let other = FILE.replace("example.org", "example.com");
    let issuer = "issuer='https://i'\naudience=['ssh://h']\nkeys=['/k']\n\
         [[allow]]\naccount='alice'\nclaims={sub='spiffe://example.org/user/alice'}\n\
         services=['sshd']\n";
    let plain = "typ=['at+jwt']\naudience=";
    let files = [FILE, issuer, &other].join("---\n");
    // What signs in the tests says at+jwt.
    let world = world_of(&files.replace("audience=", plain));
    let token = world.token(claims);
    let grounds = grounds(&world.trust, NOW);
    authenticate(token.as_bytes(), &ALICE, grounds, &mut Silent)
}

fn svid(sub: &str) -> Value {
    json!({ "sub": sub, "aud": ["ssh://h"], "exp": NOW + 60, "iat": NOW })
}

/// Checklist: D.4
#[test]
fn a_token_without_iss_is_its_trust_domains_and_one_with_iss_never() {
    let decision = decide(&svid("spiffe://example.org/user/alice"));
    let admission = decision.outcome.unwrap();
    // The session and the log call it by the name of its trust domain.
    assert_eq!(admission.token.issuer, "spiffe://example.org");
    assert_eq!(
        decision.facts.issuer.as_deref(),
        Some("spiffe://example.org")
    );
    let with_iss = |iss: &str| {
        let mut claims = svid("spiffe://example.org/user/alice");
        claims["iss"] = json!(iss);
        let decision = decide(&claims);
        (decision.reason(), decision.rule().map(str::to_owned))
    };
    // It goes to who it says, by whose rules it is let in or not.
    assert_eq!(with_iss("https://i").1.as_deref(), Some("i.toml:5"));
    for iss in [
        "spiffe://example.org",
        "spiffe://example.com",
        "example.org",
        "",
    ] {
        assert_eq!(with_iss(iss), (Reason::IssuerUnknown, None), "{iss}");
    }
}

#[test]
fn only_an_id_of_the_trust_domain_is_let_in() {
    for (sub, reason) in [
        ("spiffe://example.com/user/alice", Reason::Allowed),
        ("spiffe://example.org/user/bob", Reason::AccountNotAllowed),
        (
            "spiffe://example.org/user/alice/x",
            Reason::AccountNotAllowed,
        ),
        (
            "spiffe://example.org/user/x/alice",
            Reason::AccountNotAllowed,
        ),
        (
            "spiffe://example.org/users/alice",
            Reason::AccountNotAllowed,
        ),
        ("spiffe://example.org/alice", Reason::AccountNotAllowed),
        ("spiffe://example.org/user/Alice", Reason::AccountNotAllowed),
        ("spiffe://example.net/user/alice", Reason::IssuerUnknown),
        (
            "spiffe://example.org.example.net/user/alice",
            Reason::IssuerUnknown,
        ),
        ("spiffe://Example.org/user/alice", Reason::IssuerMissing),
        ("SPIFFE://example.org/user/alice", Reason::IssuerMissing),
        ("spiffe://example.org//user/alice", Reason::IssuerMissing),
        ("spiffe://example.org/user/./alice", Reason::IssuerMissing),
        (
            "spiffe://example.org/x/../user/alice",
            Reason::IssuerMissing,
        ),
        ("spiffe://example.org/user/alice?", Reason::IssuerMissing),
        ("spiffe://example.org/user/alice#", Reason::IssuerMissing),
        ("spiffe://example.org/user/%61lice", Reason::IssuerMissing),
        ("spiffe://example.org:1/user/alice", Reason::IssuerMissing),
        ("spiffe://example.org/user/alice/", Reason::IssuerMissing),
        ("spiffe://example.org", Reason::IssuerMissing),
        ("alice", Reason::IssuerMissing),
    ] {
        assert_eq!(decide(&svid(sub)).reason(), reason, "{sub}");
    }
    for (name, reason) in [
        ("aud", Reason::AudienceMissing),
        ("exp", Reason::ExpiryMissing),
        ("sub", Reason::IssuerMissing),
    ] {
        let mut claims = svid("spiffe://example.org/user/alice");
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(decide(&claims).reason(), reason, "{name}");
    }
}

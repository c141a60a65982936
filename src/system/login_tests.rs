//! What is asked in the middle of a decision, and what never leaves the machine.

use super::*;
use crate::helper::{Answer, Errand, Request as Asked};
use crate::remote::Offline;
use std::cell::RefCell;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;
use zeroize::Zeroizing;

const TOKEN: &str = "glpat-0123456789abcdefghij";

/// A configuration: an issuer with opaque tokens of this form, and one that is like it but for
/// another prefix.
struct Place(PathBuf);

impl Place {
    fn new(name: &str, form: &str) -> Self {
        let path = PathBuf::from(format!("/run/pam-jwt-login.{}.{name}", std::process::id()));
        fs::create_dir_all(path.join("issuers.d")).unwrap();
        let place = Self(path);
        let shown = place.0.display();
        let issuer = |name: &str, form: &str| {
            format!(
                "issuer='https://{name}'\naudience=['ssh://h']\ndiscover=true\n\
                 [introspection]\nclient_id='c'\nclient_secret_file='{shown}/secret'\n{form}\n\
                 [[allow]]\naccount='root'\nservices=['sshd']\nfetched_keys=true\n"
            )
        };
        place.write("pam-jwt.toml", "", 0o644);
        place.write("issuers.d/a.toml", &issuer("a", form), 0o644);
        place.write("issuers.d/b.toml", &issuer("b", "prefix='other-'"), 0o644);
        place.write("secret", "s3cret\n", 0o600);
        place
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Says of every token that it is root's, and keeps what it was shown.
struct Issuer(RefCell<Vec<(String, String)>>);

impl Remote for Issuer {
    fn ask_all(&self, requests: &[Asked], _: Duration) -> Vec<Result<Answer, String>> {
        let answers = requests.iter().map(|request| {
            let Errand::Introspect {
                token,
                client_secret,
            } = &request.errand
            else {
                return Err("nothing else".to_owned());
            };
            assert_eq!(**client_secret, "s3cret");
            let shown = (request.issuer.clone(), token.to_string());
            self.0.borrow_mut().push(shown);
            let claims = r#"{"active":true,"aud":"ssh://h","exp":99999999999}"#;
            Ok(Answer::Claims(Zeroizing::new(claims.to_owned())))
        });
        answers.collect()
    }
}

fn attempt<'a>(secret: &'a str, purpose: Purpose<'a>) -> Attempt<'a> {
    Attempt {
        secret: secret.as_bytes(),
        in_pieces: false,
        account: "root",
        service: "sshd",
        auth_info: "",
        proved: &[],
        purpose,
    }
}

const LOGIN: Purpose<'static> = Purpose::Login { rhost: None };

fn login(place: &Place, secret: &str) -> (Reason, bool, Vec<(String, String)>) {
    let issuer = Issuer(RefCell::default());
    let verdict = decide(attempt(secret, LOGIN), &place.0, &issuer, &mut Silent);
    (
        verdict.decision.reason(),
        verdict.is_token,
        issuer.0.into_inner(),
    )
}

#[test]
fn an_issuer_is_shown_what_looks_like_its_token_and_nothing_else() {
    let place = Place::new("shown", "prefix='glpat-'");
    let shown = |issuer: &str, token: &str| vec![(issuer.to_owned(), token.to_owned())];
    let allowed = (Reason::Allowed, true, shown("https://a", TOKEN));
    assert_eq!(login(&place, TOKEN), allowed);
    let other = "other-0123456789abcdefghij";
    let allowed = (Reason::Allowed, true, shown("https://b", other));
    assert_eq!(login(&place, other), allowed);
    // Of the length of a token, so somebody is asked, but not about that.
    let made_up = [("https://a", "glpat-"), ("https://b", "other-")];
    let made_up = made_up.map(|(issuer, prefix)| {
        let token = format!("{prefix}{}", "0".repeat(58));
        (issuer.to_owned(), token)
    });
    let not_shown = (Reason::NotAToken, false, made_up.to_vec());
    for password in [
        "correct-horse-battery-staple",
        "correct horse battery staple",
        "x-glpat-0123456789abcdefghij",
        "\u{8}\n\r\u{7f}INCORRECT\u{8}\n\r\u{7f}INCORRECT",
    ] {
        assert_eq!(login(&place, password), not_shown, "{password}");
    }
    let forged = "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJpIn0.AAAA";
    let refused = (Reason::IssuerUnknown, true, made_up.to_vec());
    assert_eq!(login(&place, forged), refused);
    for short in ["", "hunter2", "glpat-0123456789abc"] {
        let untouched = (Reason::NotAToken, false, vec![]);
        assert_eq!(login(&place, short), untouched, "{short}");
    }
}

/// For an account that does not exist sshd passes junk on: that an issuer is slow must not tell it.
#[test]
fn which_issuers_are_asked_before_a_refusal_depends_on_the_length_alone() {
    let place = Place::new("refused", "prefix='glpat-'");
    for secret in [
        TOKEN,
        "other-0123456789abcdefghij",
        "\u{8}\n\r\u{7f}INCORRECT\u{8}\n\r\u{7f}INCORRECT",
    ] {
        let issuer = Issuer(RefCell::default());
        let attempt = Attempt {
            account: "nobody",
            ..attempt(secret, LOGIN)
        };
        let verdict = decide(attempt, &place.0, &issuer, &mut Silent);
        assert!(verdict.decision.rule().is_none());
        let mut asked: Vec<String> = issuer.0.take().into_iter().map(|(name, _)| name).collect();
        asked.sort_unstable();
        assert_eq!(asked, ["https://a", "https://b"], "{secret:?}");
    }
}

#[test]
fn where_tokens_have_a_length_no_other_length_has_anybody_asked() {
    let place = Place::new("length", "prefix='glpat-'\nlength=26");
    fs::remove_file(place.0.join("issuers.d/b.toml")).unwrap();
    assert_eq!(login(&place, TOKEN).0, Reason::Allowed);
    let (_, _, asked) = login(&place, "correct-horse-battery-staple");
    assert_eq!(asked, []);
    let (_, _, asked) = login(&place, "correct-horse-battery-stap");
    let made_up = format!("glpat-{}", "0".repeat(20));
    assert_eq!(asked, [("https://a".to_owned(), made_up)]);
}

#[test]
fn without_a_secret_of_its_own_or_anybody_to_ask_it_opens_nothing() {
    let place = Place::new("fails", "prefix='glpat-'");
    for (text, mode) in [("s3cret\n", 0o644), ("s3cret\n", 0o660), ("\n", 0o600)] {
        place.write("secret", text, mode);
        let failed = (Reason::IntrospectionFailed, true, vec![]);
        assert_eq!(login(&place, TOKEN), failed);
    }
    place.write("secret", "s3cret\n", 0o600);
    let nobody = Offline("nobody is there");
    let verdict = decide(attempt(TOKEN, LOGIN), &place.0, &nobody, &mut Silent);
    let why = Note::Detail("nobody is there".to_owned());
    assert_eq!(verdict.decision.note(), &why);
    // Whose it is cannot be said, so neither sees it.
    let text = fs::read_to_string(place.0.join("issuers.d/b.toml")).unwrap();
    place.write("issuers.d/b.toml", &text.replace("other-", "glpa"), 0o644);
    let (reason, is_token, asked) = login(&place, TOKEN);
    assert_eq!((reason, is_token), (Reason::IntrospectionFailed, true));
    assert!(asked.iter().all(|(_, token)| token != TOKEN));
    // A configuration that does not load says nothing of opaque tokens.
    place.write("issuers.d/b.toml", "issuer=", 0o644);
    assert_eq!(login(&place, TOKEN), (Reason::NotAToken, false, vec![]));
}

#[test]
fn an_explanation_asks_about_the_token_alone() {
    let place = Place::new("explained", "prefix='glpat-'");
    for (secret, expected) in [(TOKEN, 1), ("correct-horse-battery-staple", 0)] {
        let issuer = Issuer(RefCell::default());
        let explained = attempt(secret, Purpose::Explanation);
        let verdict = decide(explained, &place.0, &issuer, &mut Silent);
        assert_eq!(issuer.0.borrow().len(), expected);
        assert_eq!(verdict.decision.rule().is_some(), expected == 1);
    }
}

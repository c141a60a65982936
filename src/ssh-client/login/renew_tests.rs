use super::*;
use crate::token::unsigned;
use serde_json::{Map, json};

fn login(resources: &[&str], refresh_token: Option<&str>) -> Login {
    Login {
        issuer: "https://i".to_owned(),
        client_id: "c".to_owned(),
        client_secret: None,
        scope: None,
        resources: resources.iter().map(|&one| one.to_owned()).collect(),
        id_token: false,
        refresh_token: refresh_token.map(|token| Zeroizing::new(token.to_owned())),
        token_file: "/nowhere".into(),
        token_digest: String::new(),
        earlier_digest: None,
        expires: None,
        metadata: Map::new(),
    }
}

fn decided(login: &Login, has: &[&str], grants: &[&str], host: &str, effort: Effort) -> Step {
    let own = |list: &[&str]| -> Vec<String> { list.iter().map(|&one| one.to_owned()).collect() };
    let audiences = match host {
        "" => Vec::new(),
        host => own(&[&format!("ssh://{host}"), "ssh://alias"]),
    };
    let whom = Recipient {
        host: Some(host),
        audiences: &audiences,
        effort,
    };
    step(login, &own(has), &own(grants), &whom)
}

#[test]
fn a_token_that_is_not_for_the_host_is_made_into_one() {
    let login = login(&["ssh://a", "ssh://b"], Some("r"));
    let offered = [exchange::GRANT];
    let to =
        |host: &str, grants: &[&str], effort| decided(&login, &["ssh://a"], grants, host, effort);
    let exchanged = || Step::Exchange("ssh://c".to_owned());
    for effort in [
        Effort::Offered,
        Effort::Exchange,
        Effort::NoExchange,
        Effort::None,
    ] {
        assert_eq!(to("a", &offered, effort), Step::Nothing);
        // Of which nobody knows for whom.
        assert_eq!(to("", &offered, effort), Step::Nothing);
    }
    for effort in [Effort::Offered, Effort::Exchange, Effort::NoExchange] {
        assert_eq!(
            to("b", &offered, effort),
            Step::Resource("ssh://b".to_owned())
        );
    }
    assert_eq!(to("b", &offered, Effort::None), Step::Nothing);
    assert_eq!(to("c", &offered, Effort::Offered), exchanged());
    assert_eq!(to("c", &["refresh_token"], Effort::Offered), Step::Nothing);
    assert_eq!(to("c", &[], Effort::Exchange), exchanged());
    assert_eq!(to("c", &offered, Effort::NoExchange), Step::Nothing);
    assert_eq!(to("c", &offered, Effort::None), Step::Nothing);
    // One of the host's names is enough.
    let alias = decided(&login, &["ssh://alias"], &offered, "c", Effort::Offered);
    assert_eq!(alias, Step::Nothing);
}

#[test]
fn without_a_refresh_token_a_resource_is_had_by_exchange_alone() {
    let login = login(&["ssh://a", "ssh://b"], None);
    let to_b = |effort| decided(&login, &["ssh://a"], &[], "b", effort);
    assert_eq!(to_b(Effort::Offered), Step::Nothing);
    assert_eq!(to_b(Effort::Exchange), Step::Exchange("ssh://b".to_owned()));
}

#[test]
fn when_a_token_ends_it_says_itself_or_the_issuer() {
    let tokens = |access: &str, expires_in| Tokens {
        access: Zeroizing::new(access.to_owned()),
        id: None,
        refresh: None,
        expires_in,
        scope: None,
    };
    let jwt = unsigned(&json!({ "exp": 500 }));
    let jwt = std::str::from_utf8(&jwt).unwrap();
    let ends = |tokens: &Tokens| counting(tokens, false, 100).unwrap().1;
    assert_eq!(ends(&tokens(jwt, Some(7))), Some(500));
    assert_eq!(ends(&tokens("opaque", Some(7))), Some(107));
    assert_eq!(ends(&tokens("opaque", None)), None);
    assert!(counting(&tokens(jwt, None), true, 100).is_err());
}

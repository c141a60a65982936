use super::*;
use serde_json::json;

fn metadata(names_issuer: bool) -> Metadata {
    let document = json!({
        "issuer": "https://i",
        "authorization_endpoint": "https://i/auth?tenant=x",
        "authorization_response_iss_parameter_supported": names_issuer,
    });
    Metadata::from_members(document.as_object().unwrap(), "https://i").unwrap()
}

fn client() -> Client {
    Client {
        id: "jwt-ssh".to_owned(),
        secret: None,
    }
}

const REDIRECT: &str = "http://127.0.0.1:4711/";

fn with_request<R>(action: impl FnOnce(&mut Request<'_>) -> R) -> R {
    let (client, resources) = (client(), ["ssh://a", "ssh://b"].map(str::to_owned));
    action(&mut Request::new(&client, REDIRECT, Some("openid"), &resources).unwrap())
}

#[test]
fn a_challenge_is_that_of_the_standard() {
    // RFC 7636 appendix B
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert_eq!(
        challenge(verifier),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
    let one = unguessable().unwrap();
    assert_eq!(one.len(), 43);
    assert_ne!(one, unguessable().unwrap());
}

#[test]
fn the_browser_is_told_all_that_is_asked() {
    with_request(|request| {
        let uri = request.uri(&metadata(true)).unwrap();
        let (state, challenge) = (request.state.clone(), challenge(&request.verifier));
        assert_eq!(
            uri,
            format!(
                "https://i/auth?tenant=x&response_type=code&client_id=jwt-ssh&\
                 redirect_uri=http%3A%2F%2F127.0.0.1%3A4711%2F&state={}&code_challenge={challenge}&\
                 code_challenge_method=S256&scope=openid&resource=ssh%3A%2F%2Fa&\
                 resource=ssh%3A%2F%2Fb",
                *state
            )
        );
        assert!(!uri.contains(&**request.verifier));
        request.scope = Some("openid offline_access");
        let uri = request.uri(&metadata(true)).unwrap();
        assert!(uri.contains("&prompt=consent&"), "{uri}");
        let mut other = metadata(true);
        other.authorization_endpoint = Some("http://i/auth".to_owned());
        assert!(matches!(request.uri(&other), Err(Error::Address(_))));
        other.authorization_endpoint = None;
        assert!(matches!(request.uri(&other), Err(Error::Unsupported(_))));
    });
}

#[test]
fn an_answer_is_known_by_its_state_and_its_issuer() {
    with_request(|request| {
        request.state = Zeroizing::new("s+1".to_owned());
        let read = |query: &str| request.code(query, &metadata(true));
        let whole = read("code=c%2F1&state=s%2B1&iss=https%3A%2F%2Fi").unwrap();
        assert_eq!(*whole, "c/1");
        for foreign in [
            "",
            "code=c&iss=https://i",
            "code=c&state=&iss=https://i",
            "code=c&state=s+1&iss=https://i",
            "code=c&state=S%2B1&iss=https://i",
            "code=c&state=s%2B1&state=s%2B1&iss=https://i",
            "code=c&state=s%2B1&iss=%zz",
            "code=c&state=s%2B1&x=%ff",
            "error=access_denied",
        ] {
            assert_eq!(read(foreign), Err(Unusable::Foreign), "{foreign}");
        }
        let refused = |query: &str| match read(query) {
            Err(Unusable::Refused(error)) => error,
            other => panic!("{query}: {other:?}"),
        };
        for (query, found) in [
            ("code=c&state=s%2B1", ""),
            ("code=c&state=s%2B1&iss=https://j", "https://j"),
            ("code=c&state=s%2B1&iss=https://i/", "https://i/"),
            ("error=access_denied&state=s%2B1", ""),
        ] {
            let found = found.to_owned();
            assert_eq!(refused(query), Error::Issuer { found }, "{query}");
        }
        assert_eq!(
            refused("error=access_denied&error_description=not%0Anow&state=s%2B1&iss=https://i"),
            Error::Refused {
                code: "access_denied".to_owned(),
                description: Some("not now".to_owned()),
            }
        );
        for none in [
            "state=s%2B1&iss=https://i",
            "code=&state=s%2B1&iss=https://i",
        ] {
            assert_eq!(refused(none), Error::Form("a code"), "{none}");
        }
        // Of a server that does not say who it is, but where it does it has to be right.
        let read = |query: &str| request.code(query, &metadata(false));
        assert!(read("code=c&state=s%2B1").is_ok());
        assert!(read("code=c&state=s%2B1&iss=https://j").is_err());
    });
}

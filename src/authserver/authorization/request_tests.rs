//! Authorization requests, good ones and bad ones.

use super::*;

const CHALLENGE_OF_A_VERIFIER: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn config() -> Config {
    Config::parse(
        "issuer = \"https://login.example.org\"\n\
         [scopes.ssh]\ndescription = \"d\"\naudiences = [\"ssh://*\"]\n",
    )
    .unwrap()
}

fn client(more: &str) -> Client {
    let text = format!(
        "client_id = \"c\"\nredirect_uris = [\"https://c/cb\"]\nscopes = [\"openid\", \"ssh\"]\n{more}"
    );
    toml::from_str(&text).unwrap()
}

fn confidential() -> Client {
    client("secret_sha256 = [\"00\"]\ngrant_types = [\"authorization_code\"]")
}

fn public() -> Client {
    client("token_endpoint_auth_method = \"none\"\ngrant_types = [\"authorization_code\"]")
}

fn implicit() -> Client {
    client("token_endpoint_auth_method = \"none\"\ngrant_types = [\"implicit\"]")
}

fn read(client: &Client, form: &str) -> Result<AuthorizationRequest, Refusal> {
    let parameters = Parameters::parse(form.as_bytes()).unwrap();
    AuthorizationRequest::read(&config(), client, &parameters)
}

/// The code of a refusal by an answer to the client; panics at a page.
fn redirected(client: &Client, form: &str) -> Code {
    match read(client, form) {
        Err(Refusal::Redirect(to, error)) => {
            assert_eq!(to.redirect_uri, "https://c/cb");
            assert_eq!(to.state.as_deref(), Some("s"));
            let address = to.with_error(&error);
            assert!(address.contains("state=s"), "{address}");
            assert!(
                address.contains("iss=https%3A%2F%2Flogin.example.org"),
                "{address}"
            );
            error.code
        }
        other => panic!("{form}: {other:?}"),
    }
}

const GOOD: &str = "client_id=c&response_type=code&redirect_uri=https://c/cb&state=s";

#[test]
fn a_request_says_what_is_asked_for() {
    let form = format!(
        "{GOOD}&scope=ssh&resource=ssh://a&resource=ssh://b&nonce=n&prompt=login+consent\
         &max_age=60&login_hint=alice&code_challenge={CHALLENGE_OF_A_VERIFIER}\
         &code_challenge_method=S256&unknown=1"
    );
    let request = read(&public(), &form).unwrap();
    assert_eq!(request.response_type, ResponseType::Code);
    assert_eq!(request.scopes, ["ssh"]);
    assert_eq!(request.resources, ["ssh://a", "ssh://b"]);
    assert_eq!(request.challenge.as_deref(), Some(CHALLENGE_OF_A_VERIFIER));
    assert_eq!(request.nonce.as_deref(), Some("n"));
    assert!(request.prompt.login && request.prompt.consent && !request.prompt.none);
    assert_eq!(request.max_age, Some(60));
    assert_eq!(request.login_hint.as_deref(), Some("alice"));
    assert_eq!(request.redirect_uri.as_deref(), Some("https://c/cb"));
    assert_eq!(request.destination.mode, ResponseMode::Query);

    // What was left out is all of the client's, and the only redirect URI that it has.
    let request = read(&confidential(), "client_id=c&response_type=code").unwrap();
    assert_eq!(request.scopes, ["openid", "ssh"]);
    assert_eq!(request.destination.redirect_uri, "https://c/cb");
    assert_eq!((request.redirect_uri, request.challenge), (None, None));
}

/// Nothing that is not registered is ever sent to: no open redirect.
///
/// Checklist: C.1, C.5
#[test]
fn a_redirect_uri_that_is_not_registered_is_a_page() {
    for asked in [
        "https://evil/cb",
        "https://c/cb/",
        "https://c/cb?x",
        "https://c/cb%23",
        "https://c/cb%2f..%2f",
        "https://c/cb%20",
        "https://c@evil/cb",
        "https://c.evil/cb",
        "https://c%5C@evil/cb",
        "http://c/cb",
        "HTTPS://c/cb",
        "//c/cb",
        "/cb",
        "javascript:alert(1)",
    ] {
        for more in ["", "&request=x", "&scope=unknown", "&response_type=code"] {
            let refusal = read(&confidential(), &format!("redirect_uri={asked}{more}"));
            assert!(matches!(refusal, Err(Refusal::Page(_))), "{asked}{more}");
        }
    }
    let mut two = confidential();
    two.redirect_uris.push("https://c/other".to_owned());
    let refusal = read(&two, "response_type=code");
    assert!(matches!(refusal, Err(Refusal::Page(_))));
    two.redirect_uris.clear();
    let refusal = read(&two, "response_type=code");
    assert!(matches!(refusal, Err(Refusal::Page(_))));
}

/// Header injection by the redirect URI: what has a line's end is not registered, and is refused
/// before that.
///
/// Checklist: C.1
#[test]
fn a_redirect_uri_ends_no_field() {
    for asked in ["https://c/cb%0d%0aSet-Cookie:%20a=b", "https://c/cb%00"] {
        let form = format!("response_type=code&redirect_uri={asked}");
        let error = Parameters::parse(form.as_bytes()).err().unwrap();
        let refusal = unreadable(&config(), &confidential(), form.as_bytes(), error);
        // The only one registered is not taken in its place either.
        assert!(matches!(refusal, Refusal::Page(_)), "{asked}: {refusal:?}");
    }
}

/// Checklist: C.1
#[test]
fn of_a_loopback_address_the_port_alone_may_vary() {
    let mut native = public();
    native.redirect_uris = vec!["http://127.0.0.1/cb".to_owned()];
    let more = format!(
        "response_type=code&code_challenge={CHALLENGE_OF_A_VERIFIER}&code_challenge_method=S256"
    );
    let form = format!("{more}&redirect_uri=http://127.0.0.1:4711/cb");
    let request = read(&native, &form).unwrap();
    assert_eq!(request.destination.redirect_uri, "http://127.0.0.1:4711/cb");
    let form = format!("{more}&redirect_uri=http://127.0.0.1:4711/");
    assert!(matches!(read(&native, &form), Err(Refusal::Page(_))));
}

/// Checklist: C.2
#[test]
fn what_is_missing_unknown_or_not_the_clients_is_told_to_the_client() {
    let client = confidential();
    let base = "redirect_uri=https://c/cb&state=s";
    for (more, expected) in [
        ("", Code::InvalidRequest),
        ("&response_type=", Code::InvalidRequest),
        ("&response_type=codes", Code::UnsupportedResponseType),
        ("&response_type=code+token", Code::UnsupportedResponseType),
        ("&response_type=code+code", Code::UnsupportedResponseType),
        ("&response_type=token", Code::UnauthorizedClient),
        ("&response_type=code&scope=unknown", Code::InvalidScope),
        (
            "&response_type=code&scope=offline_access",
            Code::InvalidScope,
        ),
        (
            "&response_type=code&resource=https://x",
            Code::InvalidTarget,
        ),
        ("&response_type=code&request=e30", Code::RequestNotSupported),
        (
            "&response_type=code&request_uri=https://c/r",
            Code::RequestUriNotSupported,
        ),
        (
            "&response_type=code&response_mode=form_post",
            Code::InvalidRequest,
        ),
        (
            "&response_type=code&prompt=none+login",
            Code::InvalidRequest,
        ),
        ("&response_type=code&prompt=create", Code::InvalidRequest),
        ("&response_type=code&max_age=-1", Code::InvalidRequest),
        ("&response_type=code&max_age=%2b1", Code::InvalidRequest),
        (
            "&response_type=code&max_age=99999999999999999999",
            Code::InvalidRequest,
        ),
    ] {
        assert_eq!(
            redirected(&client, &format!("{base}{more}")),
            expected,
            "{more}"
        );
    }
    let other = client_without_grants();
    assert_eq!(redirected(&other, GOOD), Code::UnauthorizedClient);
}

fn client_without_grants() -> Client {
    client("secret_sha256 = [\"00\"]")
}

/// Checklist: C.2
#[test]
fn a_repeated_parameter_is_told_to_the_client_where_its_address_is_known() {
    let (config, client) = (config(), confidential());
    let refused = |form: &str| {
        let error = Parameters::parse(form.as_bytes()).err().unwrap();
        unreadable(&config, &client, form.as_bytes(), error)
    };
    for (more, state) in [
        ("&scope=ssh&scope=ssh", Some("s")),
        ("&x=%zz", Some("s")),
        ("&x=%00", Some("s")),
        ("&x=%ff", Some("s")),
        ("&st%61te=t", None),
    ] {
        match refused(&format!("{GOOD}{more}")) {
            Refusal::Redirect(to, error) => {
                assert_eq!(error.code, Code::InvalidRequest);
                assert_eq!(to.redirect_uri, "https://c/cb");
                assert_eq!(to.state.as_deref(), state, "{more}");
            }
            page @ Refusal::Page(_) => panic!("{more}: {page:?}"),
        }
    }
    for more in ["&redirect_uri=https://c/cb", "&redirect%5furi=https://evil"] {
        let refusal = refused(&format!("{GOOD}{more}"));
        assert!(matches!(refusal, Refusal::Page(_)), "{more}");
    }
    assert_eq!(alone(b"client_id=c&client_id=d", "client_id"), None);
    assert_eq!(
        alone(b"a=%zz&client_id=c", "client_id").as_deref(),
        Some("c")
    );
}

/// Checklist: C.4
#[test]
fn a_public_client_needs_pkce_by_s256() {
    let good = format!("&code_challenge={CHALLENGE_OF_A_VERIFIER}&code_challenge_method=S256");
    assert!(read(&public(), &format!("{GOOD}{good}")).is_ok());
    assert!(read(&confidential(), &format!("{GOOD}{good}")).is_ok());
    assert!(read(&confidential(), GOOD).is_ok());
    assert_eq!(redirected(&public(), GOOD), Code::InvalidRequest);
    for client in [public(), confidential()] {
        for bad in [
            // The method is `plain` where it is left out (RFC 7636 §4.3).
            format!("&code_challenge={CHALLENGE_OF_A_VERIFIER}"),
            format!("&code_challenge={CHALLENGE_OF_A_VERIFIER}&code_challenge_method=plain"),
            format!("&code_challenge={CHALLENGE_OF_A_VERIFIER}&code_challenge_method=s256"),
            format!("&code_challenge={CHALLENGE_OF_A_VERIFIER}A&code_challenge_method=S256"),
            format!(
                "&code_challenge={}&code_challenge_method=S256",
                "+".repeat(43)
            ),
            "&code_challenge_method=S256".to_owned(),
        ] {
            let code = redirected(&client, &format!("{GOOD}{bad}"));
            assert_eq!(code, Code::InvalidRequest, "{bad}");
        }
    }
}

/// Checklist: C.6
#[test]
fn implicit_is_for_clients_registered_for_it_and_in_the_fragment() {
    let client = implicit();
    let base = "redirect_uri=https://c/cb&state=s";
    for (name, token, id_token) in [
        ("token", true, false),
        ("id_token", false, true),
        ("id_token+token", true, true),
        ("token+id_token", true, true),
    ] {
        let form = format!("{base}&response_type={name}&nonce=n");
        let request = read(&client, &form).unwrap();
        assert_eq!(
            request.response_type,
            ResponseType::Implicit { token, id_token }
        );
        assert_eq!(request.destination.mode, ResponseMode::Fragment);
        let form = format!("{form}&response_mode=query");
        assert_eq!(redirected(&client, &form), Code::InvalidRequest);
        let refusal = read(&confidential(), &form);
        let Err(Refusal::Redirect(to, error)) = refusal else {
            panic!("{name}");
        };
        assert_eq!(error.code, Code::UnauthorizedClient);
        assert_eq!(to.mode, ResponseMode::Fragment);
    }
    let without_nonce = format!("{base}&response_type=id_token");
    assert_eq!(redirected(&client, &without_nonce), Code::InvalidRequest);
    let without_openid = format!("{base}&response_type=id_token&nonce=n&scope=ssh");
    assert_eq!(redirected(&client, &without_openid), Code::InvalidScope);
    let code = format!("{base}&response_type=code");
    assert_eq!(redirected(&client, &code), Code::UnauthorizedClient);
}

#[test]
fn an_answer_is_in_the_fragment_where_the_client_says_so() {
    let form = format!("{GOOD}&response_mode=fragment");
    let request = read(&confidential(), &form).unwrap();
    assert_eq!(request.destination.mode, ResponseMode::Fragment);
}

/// Checklist: C.2
#[test]
fn what_is_carried_along_is_no_longer_than_it_may_be() {
    for (name, most) in LONGEST.into_iter().filter(|(name, _)| *name != "state") {
        let of = |bytes: usize| format!("{GOOD}&{name}={}", "x".repeat(bytes));
        assert!(read(&confidential(), &of(most)).is_ok(), "{name}");
        let code = redirected(&confidential(), &of(most + 1));
        assert_eq!(code, Code::InvalidRequest, "{name}");
    }
    let of = |bytes: usize| GOOD.replace("state=s", &format!("state={}", "s".repeat(bytes)));
    assert!(read(&confidential(), &of(4096)).is_ok());
    let refusal = read(&confidential(), &of(4097)).unwrap_err();
    assert_eq!(refusal.error().code, Code::InvalidRequest);
}

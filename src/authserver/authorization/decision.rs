//! What is still missing before an authorization request is answered (RFC 6749 §4.1.1, OpenID
//! Connect Core §3.1.2.3, §3.1.2.4).

use super::request::AuthorizationRequest;
use crate::error::{Code, OAuthError};

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The person has to log in.
    LogIn,
    /// The person has to be asked.
    Ask,
    /// The answer.
    Answer,
}

/// Who is logged in, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Login<'a> {
    /// When, in seconds since the epoch.
    pub auth_time: u64,
    /// Whether for this request.
    pub for_this: bool,
    /// Those of the scopes that are asked for which the account may have.
    pub scopes: &'a [String],
    /// What the account has allowed the client before, as [`remembered_as`] says it.
    pub consented: &'a [String],
}

/// Whether a login is good for a request at `now`, or is too long ago.
#[must_use]
pub fn is_fresh(request: &AuthorizationRequest, auth_time: u64, for_this: bool, now: u64) -> bool {
    let age = now.saturating_sub(auth_time);
    for_this || !request.prompt.login && request.max_age.is_none_or(|most| most > 0 && age <= most)
}

/// What comes next at `now`.
///
/// # Errors
/// `access_denied` where the account may have nothing of what is asked for; `login_required` and
/// `consent_required` where the client wants nobody to be asked.
pub fn next(
    request: &AuthorizationRequest,
    login: Option<Login<'_>>,
    now: u64,
) -> Result<Next, OAuthError> {
    let fresh = login.filter(|login| is_fresh(request, login.auth_time, login.for_this, now));
    let Some(login) = fresh else {
        return if request.prompt.none {
            let why = "nobody is logged in, or not lately enough";
            Err(OAuthError::new(Code::LoginRequired, why))
        } else {
            Ok(Next::LogIn)
        };
    };
    if login.scopes.is_empty() && !request.scopes.is_empty() {
        let why = "the account may have none of the scopes";
        return Err(OAuthError::new(Code::AccessDenied, why));
    }
    if !has_to_ask(request, &login) {
        Ok(Next::Answer)
    } else if request.prompt.none {
        let why = "the person has not allowed this";
        Err(OAuthError::new(Code::ConsentRequired, why))
    } else {
        Ok(Next::Ask)
    }
}

fn has_to_ask(request: &AuthorizationRequest, login: &Login<'_>) -> bool {
    let asked = remembered_as(request, login.scopes);
    let is_remembered = asked.iter().all(|one| login.consented.contains(one));
    let is_house = !request.client.consent;
    // Also where nothing is asked for, somebody learns who it is.
    let needs_nobody = can_remember(request) && (is_house || is_remembered && !asked.is_empty());
    request.prompt.consent || !needs_nobody
}

/// As what an answer is remembered: each scope at each place where the client is to have it, since
/// who allows one thing here and another there has not allowed the other here; and the scope alone
/// where no place was named. (A scope has no space in it.)
#[must_use]
pub fn remembered_as(request: &AuthorizationRequest, scopes: &[String]) -> Vec<String> {
    if request.resources.is_empty() {
        return scopes.to_vec();
    }
    let places = |scope| {
        let resources = request.resources.iter();
        resources.map(move |resource| format!("{scope} at {resource}"))
    };
    scopes.iter().flat_map(places).collect()
}

/// Whether an answer holds for the next time, be it the person's or the administrator's, who says
/// that for a client of the house nobody is asked: not where any program could say that it is this
/// client, since nothing but the redirect URI shows who it is, and that is on the person's own
/// machine (RFC 8252 §8.6).
#[must_use]
pub fn can_remember(request: &AuthorizationRequest) -> bool {
    let is_site = request.destination.redirect_uri.starts_with("https://");
    is_site || !request.client.is_public()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::parameters::Parameters;

    fn request(client: &str, more: &str) -> AuthorizationRequest {
        let config = "issuer = \"https://i\"\n[scopes.a]\ndescription = \"d\"\n\
                      [scopes.b]\ndescription = \"d\"";
        let client = format!(
            "client_id = \"c\"\ngrant_types = [\"authorization_code\"]\nscopes = [\"a\", \"b\"]\n\
             {client}"
        );
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let form = format!(
            "response_type=code&code_challenge={challenge}&code_challenge_method=S256{more}"
        );
        let parameters = Parameters::parse(form.as_bytes()).unwrap();
        AuthorizationRequest::read(
            &Config::parse(config).unwrap(),
            &toml::from_str(&client).unwrap(),
            &parameters,
        )
        .unwrap()
    }

    const SITE: &str = "redirect_uris = [\"https://c/cb\"]";

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn judged(
        request: &AuthorizationRequest,
        auth_time: u64,
        for_this: bool,
    ) -> Result<Next, Code> {
        let both = texts(&["a", "b"]);
        let login = Login {
            auth_time,
            for_this,
            scopes: &both,
            consented: &both,
        };
        next(request, Some(login), 1000).map_err(|error| error.code)
    }

    #[test]
    fn who_has_logged_in_and_agreed_is_not_asked_again_unless_the_client_says_so() {
        let plain = request(SITE, "");
        assert_eq!(next(&plain, None, 1000), Ok(Next::LogIn));
        assert_eq!(judged(&plain, 1, false), Ok(Next::Answer));

        let again = request(SITE, "&prompt=login");
        assert_eq!(judged(&again, 1000, false), Ok(Next::LogIn));
        assert_eq!(judged(&again, 1000, true), Ok(Next::Answer));

        let lately = request(SITE, "&max_age=60");
        assert_eq!(judged(&lately, 940, false), Ok(Next::Answer));
        assert_eq!(judged(&lately, 939, false), Ok(Next::LogIn));
        assert_eq!(judged(&lately, 939, true), Ok(Next::Answer));
        let now = request(SITE, "&max_age=0");
        assert_eq!(judged(&now, 1000, false), Ok(Next::LogIn));
        assert_eq!(judged(&now, 1000, true), Ok(Next::Answer));

        let asked = request(SITE, "&prompt=consent");
        assert_eq!(judged(&asked, 1, false), Ok(Next::Ask));
    }

    #[test]
    fn where_nobody_is_to_be_asked_the_client_is_told_what_is_missing() {
        let silent = request(SITE, "&prompt=none");
        let code = |outcome: Result<Next, OAuthError>| outcome.map_err(|error| error.code);
        assert_eq!(code(next(&silent, None, 1000)), Err(Code::LoginRequired));
        assert_eq!(judged(&silent, 1, false), Ok(Next::Answer));
        let (both, one) = (texts(&["a", "b"]), texts(&["a"]));
        let mut login = Login {
            auth_time: 1,
            for_this: false,
            scopes: &both,
            consented: &one,
        };
        let asked = |login| code(next(&silent, Some(login), 1000));
        assert_eq!(asked(login), Err(Code::ConsentRequired));
        login.scopes = &one;
        assert_eq!(asked(login), Ok(Next::Answer));
        let late = request(SITE, "&prompt=none&max_age=60");
        assert_eq!(judged(&late, 1, false), Err(Code::LoginRequired));
    }

    #[test]
    fn consent_is_for_the_scopes_that_the_account_may_have() {
        let plain = request(SITE, "");
        let (both, one) = (texts(&["a", "b"]), texts(&["a"]));
        let mut login = Login {
            auth_time: 1,
            for_this: false,
            scopes: &both,
            consented: &one,
        };
        assert_eq!(next(&plain, Some(login), 1), Ok(Next::Ask));
        login.scopes = &one;
        assert_eq!(next(&plain, Some(login), 1), Ok(Next::Answer));
        login.scopes = &[];
        let denied = next(&plain, Some(login), 1).map_err(|error| error.code);
        assert_eq!(denied, Err(Code::AccessDenied));
        let house = request(&format!("{SITE}\nconsent = false"), "");
        login.scopes = &both;
        login.consented = &[];
        assert_eq!(next(&house, Some(login), 1), Ok(Next::Answer));
    }

    #[test]
    fn consent_is_for_the_places_that_were_named() {
        let client = format!("{SITE}\naudiences = [\"https://x\", \"https://y\"]");
        let (both, nothing) = (texts(&["a", "b"]), texts(&[]));
        let at_x = request(&client, "&resource=https://x");
        let remembered = remembered_as(&at_x, &both);
        let asked = |request: &AuthorizationRequest, scopes, consented| {
            let login = Login {
                auth_time: 1,
                for_this: false,
                scopes,
                consented,
            };
            next(request, Some(login), 1) == Ok(Next::Ask)
        };
        assert!(!asked(&at_x, &both, &remembered));
        assert!(asked(&at_x, &both, &both));
        let at_y = request(&client, "&resource=https://y");
        assert!(asked(&at_y, &both, &remembered));
        // Where no place is named it is another one.
        assert!(asked(&request(&client, ""), &both, &remembered));
        // One scope here and another there is not the other here.
        let (one, other) = (texts(&["a"]), texts(&["b"]));
        let crossed = [remembered_as(&at_x, &one), remembered_as(&at_y, &other)].concat();
        assert!(!asked(&at_x, &one, &crossed) && !asked(&at_y, &other, &crossed));
        assert!(asked(&at_x, &other, &crossed) && asked(&at_y, &one, &crossed));
        let at_both = request(&client, "&resource=https://x&resource=https://y");
        assert!(asked(&at_both, &one, &crossed));
        let each = [remembered_as(&at_y, &one), crossed.clone()].concat();
        assert!(!asked(&at_both, &one, &each));
        // Who asks for no scope is asked for all the same.
        let none = AuthorizationRequest {
            scopes: Vec::new(),
            ..request(&client, "")
        };
        assert!(asked(&none, &nothing, &both));
    }

    #[test]
    fn for_a_program_that_anything_could_pass_itself_off_as_the_person_is_asked_each_time() {
        for (client, expected) in [
            (
                "redirect_uris = [\"http://127.0.0.1/cb\"]\nsecret_sha256 = [\"0\"]",
                Next::Answer,
            ),
            (
                "redirect_uris = [\"http://127.0.0.1/cb\"]\ntoken_endpoint_auth_method = \"none\"",
                Next::Ask,
            ),
            (
                "redirect_uris = [\"org.example.app:/\"]\ntoken_endpoint_auth_method = \"none\"",
                Next::Ask,
            ),
            // Of the house or not: anything may say that it is.
            (
                "redirect_uris = [\"http://127.0.0.1/cb\"]\nconsent = false\n\
                 token_endpoint_auth_method = \"none\"",
                Next::Ask,
            ),
            (
                "redirect_uris = [\"https://c/cb\"]\ntoken_endpoint_auth_method = \"none\"",
                Next::Answer,
            ),
        ] {
            assert_eq!(
                judged(&request(client, ""), 1, false),
                Ok(expected),
                "{client}"
            );
        }
    }
}

//! The `oauth2` crate, whose requests curl sends from the machine.

use super::{API, browse, machine, parameter, setup, verified};
use machine::{AuthServer, CLIENT_SECRET, Machine};
use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicTokenResponse};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, DeviceAuthorizationUrl,
    HttpRequest, HttpResponse, IntrospectionUrl, PkceCodeChallenge, RedirectUrl, RequestTokenError,
    RevocationUrl, Scope, StandardDeviceAuthorizationResponse, TokenIntrospectionResponse,
    TokenResponse, TokenUrl, http,
};
use serde_json::{Value, json};
use std::io;

const REDIRECT: &str = "http://127.0.0.1:8999/callback";

/// Sends what the crate wants sent.
fn send(machine: &Machine, request: HttpRequest) -> Result<HttpResponse, io::Error> {
    let (head, body) = request.into_parts();
    let body = String::from_utf8(body).map_err(io::Error::other)?;
    let mut arguments = vec!["--request".to_owned(), head.method.to_string()];
    for (name, value) in &head.headers {
        let value = value.to_str().map_err(io::Error::other)?;
        arguments.extend(["--header".to_owned(), format!("{name}: {value}")]);
    }
    arguments.extend(["--data-raw".to_owned(), body, head.uri.to_string()]);
    let answer = machine
        .try_curl(arguments.iter().map(String::as_str))
        .map_err(io::Error::other)?;
    let mut response = http::Response::builder().status(answer.status);
    if let Some(media_type) = answer.header("content-type") {
        response = response.header("content-type", media_type);
    }
    response
        .body(answer.body.into_bytes())
        .map_err(io::Error::other)
}

fn as_json(tokens: &BasicTokenResponse) -> Value {
    serde_json::to_value(tokens).expect("JSON")
}

fn url(server: &AuthServer<'_>, metadata: &Value, name: &str) -> String {
    let url = metadata[name].as_str().unwrap_or_default();
    assert!(url.starts_with(&server.issuer), "{name}: {metadata}");
    url.to_owned()
}

#[test]
fn oauth2_crate() {
    let machine = machine();
    let server = setup(&machine).start();
    let metadata = server.get("/.well-known/oauth-authorization-server", &[]);
    let metadata = metadata.expect(200).json();
    let at = |name: &str| url(&server, &metadata, name);
    let http = |request: HttpRequest| send(&machine, request);
    let client = |id: &str| {
        BasicClient::new(ClientId::new(id.to_owned()))
            .set_client_secret(ClientSecret::new(CLIENT_SECRET.to_owned()))
            .set_auth_uri(AuthUrl::new(at("authorization_endpoint")).expect("a URL"))
            .set_token_uri(TokenUrl::new(at("token_endpoint")).expect("a URL"))
            .set_introspection_url(
                IntrospectionUrl::new(at("introspection_endpoint")).expect("a URL"),
            )
            .set_revocation_url(RevocationUrl::new(at("revocation_endpoint")).expect("a URL"))
            .set_device_authorization_url(
                DeviceAuthorizationUrl::new(at("device_authorization_endpoint")).expect("a URL"),
            )
            .set_redirect_uri(RedirectUrl::new(REDIRECT.to_owned()).expect("a URL"))
    };
    let scope = |name: &str| Scope::new(name.to_owned());

    let service = client("service");
    let own = service
        .exchange_client_credentials()
        .add_scope(scope("read"))
        .request(&http)
        .expect("a token");

    let web = client("web");
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (address, state) = web
        .authorize_url(CsrfToken::new_random)
        .add_scopes(["openid", "offline_access", "read"].map(scope))
        .add_extra_param("resource", API)
        .set_pkce_challenge(challenge)
        .url();
    let back = browse(&machine, address.as_str());
    assert_eq!(parameter(&back, "state"), *state.secret());
    let code = AuthorizationCode::new(parameter(&back, "code"));
    let tokens = web
        .exchange_code(code)
        .set_pkce_verifier(verifier)
        .request(&http)
        .unwrap_or_else(|error| panic!("{error:?}\n{}", server.log()));
    let refresh = tokens.refresh_token().expect("one");
    let refreshed = web.exchange_refresh_token(refresh).request(&http);
    let refreshed = refreshed.expect("a token");
    let own = as_json(&own);
    let of_alice = [as_json(&tokens), as_json(&refreshed)];
    let got = [
        (&own, "client:service"),
        (&of_alice[0], "alice"),
        (&of_alice[1], "alice"),
    ];
    verified(&server, &machine, "web", &got);

    let introspected = web.introspect(refreshed.access_token()).request(&http);
    let introspected = introspected.expect("an answer");
    assert!(introspected.active());
    assert_eq!(introspected.username(), Some("alice"));
    let last = refreshed.refresh_token().expect("one").clone();
    web.revoke_token(last.clone().into())
        .expect("https")
        .request(&http)
        .expect("it is revoked");
    let introspected = web.introspect(refreshed.access_token()).request(&http);
    assert!(!introspected.expect("an answer").active());
    let refused = web.exchange_refresh_token(&last).request(&http);
    let Err(RequestTokenError::ServerResponse(refused)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(*refused.error(), BasicErrorResponseType::InvalidGrant);

    let details: StandardDeviceAuthorizationResponse = web
        .exchange_device_code()
        .add_scope(scope("read"))
        .request(&http)
        .expect("a code to show");
    let complete = details.verification_uri_complete().expect("it is there");
    browse(&machine, complete.secret());
    let device = web
        .exchange_device_access_token(&details)
        .request(&http, std::thread::sleep, None)
        .unwrap_or_else(|error| panic!("{error:?}\n{}", server.log()));
    assert_eq!(as_json(&device)["scope"], json!("read"));
}

//! The issuer that the other tests trust, without any program of this project: what it
//! publishes, what its tokens are, and the people at its pages.

use base64ct::{Base64UrlUnpadded, Encoding};
use machine::{Machine, PROVIDER, Provider, SECRET};
use serde_json::{Value, json};
use std::thread;
use std::time::Duration;

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What curl, which trusts whom the machine trusts, is answered; an error's document too.
fn curl(machine: &Machine, arguments: &[&str]) -> Value {
    let output = machine
        .command(["curl", "--silent", "--show-error"])
        .args(arguments)
        .run()
        .expect_success();
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}\n{output}"))
}

/// The same of a form that is posted.
fn post(machine: &Machine, path: &str, fields: &[(&str, &str)]) -> Value {
    let url = format!("{PROVIDER}{path}");
    let fields: Vec<String> = fields
        .iter()
        .flat_map(|(name, value)| ["--data-urlencode".to_owned(), format!("{name}={value}")])
        .collect();
    let arguments: Vec<&str> = fields
        .iter()
        .map(String::as_str)
        .chain([url.as_str()])
        .collect();
    curl(machine, &arguments)
}

fn text(document: &Value, name: &str) -> String {
    let text = document[name].as_str();
    text.unwrap_or_else(|| panic!("{name} of {document}"))
        .to_owned()
}

/// A JWT's header and claims.
fn parts(token: &str) -> [Value; 2] {
    let mut parts = token.split('.').map(|part| {
        let bytes = Base64UrlUnpadded::decode_vec(part).expect("base64url");
        serde_json::from_slice(&bytes).expect("JSON")
    });
    [(); 2].map(|()| parts.next().expect("a JWT"))
}

fn kids(machine: &Machine) -> Vec<String> {
    let jwks = curl(machine, &[&format!("{PROVIDER}/jwks")]);
    let keys = jwks["keys"].as_array().expect("keys");
    keys.iter().map(|key| text(key, "kid")).collect()
}

/// Asks for a device login, which `people` see to; what comes of it.
fn device_login(machine: &Machine, resource: bool, people: impl FnOnce(&Value)) -> Value {
    let (client, host) = (("client_id", "jwt-ssh"), ("resource", "ssh://machine"));
    let wanted = usize::from(resource);
    let mut fields = vec![client, ("scope", "openid offline_access")];
    fields.extend(&[host][..wanted]);
    let flow = post(machine, "/device/auth", &fields);
    let code = text(&flow, "device_code");
    let mut fields = vec![client, ("grant_type", DEVICE), ("device_code", &code)];
    fields.extend(&[host][..wanted]);
    let pending = post(machine, "/token", &fields);
    assert_eq!(pending["error"], "authorization_pending", "{pending}");
    people(&flow);
    post(machine, "/token", &fields)
}

#[test]
fn publishes_and_rotates_its_keys() {
    let machine = Machine::boot();
    let mut provider = Provider::start(&machine, "{}");
    for place in ["openid-configuration", "oauth-authorization-server"] {
        let metadata = curl(&machine, &[&format!("{PROVIDER}/.well-known/{place}")]);
        assert_eq!(metadata["issuer"], PROVIDER, "{metadata}");
        assert_eq!(metadata["jwks_uri"], format!("{PROVIDER}/jwks"));
        let grants = metadata["grant_types_supported"].to_string();
        for grant in [DEVICE, EXCHANGE, "authorization_code", "refresh_token"] {
            assert!(grants.contains(grant), "{grant}: {metadata}");
        }
    }
    let first = kids(&machine);
    assert_eq!(first.len(), 1);
    let second = provider.rotate();
    let [header, claims] = parts(&provider.token("bob", "ssh://machine"));
    assert_eq!(header["kid"], second);
    assert_eq!(
        (&claims["sub"], &claims["aud"]),
        (&json!("bob"), &json!("ssh://machine"))
    );
    assert_eq!(kids(&machine), [second.clone(), first[0].clone()]);
    assert_eq!(provider.drop_old_keys(), second);
    assert_eq!(kids(&machine), std::slice::from_ref(&second));
    let printed = provider.stop();
    assert!(printed.contains("GET /jwks 200"), "{printed}");
    let refused = machine.run(["curl", "--silent", PROVIDER]);
    assert_eq!(refused.code(), Some(7), "connection refused: {refused}");

    let provider = Provider::start(&machine, "{}");
    assert_eq!(kids(&machine), std::slice::from_ref(&second));
    let other = Machine::boot_named("other");
    machine.link("192.0.2.1", &other, "192.0.2.2");
    provider.known_to(&other, "192.0.2.1");
    assert_eq!(kids(&other), [second]);
}

#[test]
fn people_get_tokens_at_its_pages() {
    let machine = Machine::boot();
    let settings = json!({ "accounts": { "alice": { "groups": ["operators"] } }, "interval": 1 });
    let mut provider = Provider::start(&machine, &settings.to_string());
    a_device_login_gives_a_token_for_a_host(&machine, &mut provider);
    a_device_login_is_refused_or_gives_an_opaque_token(&machine, &provider);
    a_code_reaches_the_loopback(&machine, &provider);
}

fn a_device_login_gives_a_token_for_a_host(machine: &Machine, provider: &mut Provider) {
    let answer = device_login(machine, true, |flow| {
        let address = text(flow, "verification_uri_complete");
        provider.confirm_device(&address, "", "alice");
    });
    let access = text(&answer, "access_token");
    let [header, claims] = parts(&access);
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(header["kid"], kids(machine)[0]);
    for (claim, value) in [
        ("iss", json!(PROVIDER)),
        ("sub", json!("alice")),
        ("aud", json!("ssh://machine")),
        ("client_id", json!("jwt-ssh")),
        ("preferred_username", json!("alice")),
        ("groups", json!(["operators"])),
    ] {
        assert_eq!(claims[claim], value, "{claim} of {claims}");
    }
    assert_eq!(parts(&text(&answer, "id_token"))[1]["sub"], "alice");

    // A refresh, with another key than the login's.
    let kid = provider.rotate();
    let refresh = text(&answer, "refresh_token");
    let client = ("client_id", "jwt-ssh");
    let fields = [
        client,
        ("grant_type", "refresh_token"),
        ("refresh_token", &refresh),
        ("resource", "ssh://machine"),
    ];
    let refreshed = post(machine, "/token", &fields);
    let [header, _] = parts(&text(&refreshed, "access_token"));
    assert_eq!(header["kid"], kid);

    let fields = [
        client,
        ("grant_type", EXCHANGE),
        ("subject_token", &access),
        ("subject_token_type", ACCESS_TOKEN),
        ("audience", "ssh://other"),
    ];
    let exchanged = post(machine, "/token", &fields);
    assert_eq!(exchanged["issued_token_type"], ACCESS_TOKEN, "{exchanged}");
    let [_, claims] = parts(&text(&exchanged, "access_token"));
    assert_eq!(claims["aud"], "ssh://other");
    assert_eq!(claims["sub"], "alice");

    let refresh = text(&refreshed, "refresh_token");
    let _ = machine
        .command(["curl", "--silent", "--fail", "--data", "client_id=jwt-ssh"])
        .args(["--data-urlencode", &format!("token={refresh}")])
        .arg(format!("{PROVIDER}/token/revocation"))
        .run()
        .expect_success();
    let fields = [
        client,
        ("grant_type", "refresh_token"),
        ("refresh_token", &refresh),
    ];
    let revoked = post(machine, "/token", &fields);
    assert_eq!(revoked["error"], "invalid_grant", "{revoked}");
}

fn a_device_login_is_refused_or_gives_an_opaque_token(machine: &Machine, provider: &Provider) {
    let refused = device_login(machine, false, |flow| {
        assert_eq!(flow["interval"], 1);
        let (address, code) = (text(flow, "verification_uri"), text(flow, "user_code"));
        provider.abort_device(&address, &code, "alice");
    });
    assert_eq!(refused["error"], "access_denied", "{refused}");
    let answer = device_login(machine, false, |flow| {
        let (address, code) = (text(flow, "verification_uri"), text(flow, "user_code"));
        provider.confirm_device(&address, &code, "bob");
    });
    let token = text(&answer, "access_token");
    assert!(!token.contains('.'), "{token}");
    let url = format!("{PROVIDER}/token/introspection");
    let field = format!("token={token}");
    let credentials = format!("pam-jwt:{SECRET}");
    let arguments = ["--user", &credentials, "--data-urlencode", &field, &url];
    let state = curl(machine, &arguments);
    assert_eq!(state["active"], true, "{state}");
    assert_eq!(state["sub"], "bob", "{state}");
}

fn a_code_reaches_the_loopback(machine: &Machine, provider: &Provider) {
    // RFC 7636, appendix B.
    let (verifier, challenge) = (
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    );
    let script = "import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'got ' + self.path.encode())
http.server.HTTPServer(('127.0.0.1', 4567), Handler).serve_forever()";
    let _listener = machine.terminal(["python3", "-c", script]);
    while machine
        .run(["curl", "--silent", "http://127.0.0.1:4567"])
        .code()
        != Some(0)
    {
        thread::sleep(Duration::from_millis(20));
    }
    let callback = "http://127.0.0.1:4567/callback";
    let request = format!(
        "{PROVIDER}/auth?client_id=jwt-ssh&response_type=code&redirect_uri={callback}&state=x\
         &scope=openid%20offline_access&prompt=consent&resource=ssh://machine\
         &code_challenge_method=S256&code_challenge={challenge}"
    );
    let shown = provider.login(&request, "alice");
    let code = shown
        .split("code=")
        .nth(1)
        .and_then(|rest| rest.split('&').next());
    let fields = [
        ("client_id", "jwt-ssh"),
        ("grant_type", "authorization_code"),
        ("code", code.unwrap_or_else(|| panic!("{shown}"))),
        ("redirect_uri", callback),
        ("code_verifier", verifier),
        ("resource", "ssh://machine"),
    ];
    let answer = post(machine, "/token", &fields);
    let [_, claims] = parts(&text(&answer, "access_token"));
    assert_eq!(claims["aud"], "ssh://machine");
    assert!(answer["refresh_token"].is_string(), "{answer}");
}

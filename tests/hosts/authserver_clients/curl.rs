//! curl, with the commands of the documents, and the clients that they register.

use super::{browse, machine, parameter, setup, verified_for};
use machine::{AuthServer, Machine, wait_until};
use serde_json::Value;

const STORE: &str = "https://store.example.org";

const CALLBACK: &str = "https://wiki.example.org/callback";

/// Registers a client: what is printed of its secret.
fn add(machine: &Machine, arguments: &str) -> Option<String> {
    let add = ["pam-jwt", "clients", "add"].into_iter();
    let added = machine.run(add.chain(arguments.split(' ')));
    let printed = added.expect_success().stdout;
    let mut lines = printed.lines();
    let secret = lines.find_map(|line| line.strip_prefix("client_secret"));
    secret.map(|secret| secret.trim().to_owned())
}

/// The form that is posted, and what is answered with 200.
fn post(server: &AuthServer<'_>, path: &str, user: Option<&str>, form: &[(&str, &str)]) -> Value {
    let user: Vec<&str> = user
        .map(|user| ["--user", user])
        .into_iter()
        .flatten()
        .collect();
    server.post(path, &user, form).expect(200).json()
}

#[test]
fn curl() {
    let machine = machine();
    let server = setup(&machine).start();

    // A program's own token; curl asks for the secret.
    let secret = add(&machine, "backup --audience https://store.example.org").expect("a secret");
    let backup = format!("backup:{secret}");
    let user = ["--user", backup.as_str()];
    let grant = [("grant_type", "client_credentials")];
    wait_until("the client is taken up", || {
        server.post("/token", &user, &grant).status == 200
    });
    let url = format!("{}/token", server.issuer);
    let command = [
        "curl",
        "--user",
        "backup",
        "-d",
        "grant_type=client_credentials",
        &url,
    ];
    let mut terminal = machine.terminal(command);
    terminal
        .expect("password for user 'backup':")
        .send_line(&secret);
    let output = terminal.wait();
    let json = output.stdout.find('{').map(|start| &output.stdout[start..]);
    let own: Value = serde_json::from_str(json.expect("JSON")).expect("JSON");
    verified_for(
        &server,
        &machine,
        [STORE, "backup"],
        &[(&own, "client:backup")],
    );

    let token = [("token", own["access_token"].as_str().expect("a token"))];
    let told = post(&server, "/introspect", Some(&backup), &token);
    assert_eq!(
        (&told["active"], &told["aud"]),
        (&true.into(), &STORE.into()),
        "{told}"
    );
    server.post("/revoke", &user, &token).expect(200);
    let told = post(&server, "/introspect", Some(&backup), &token);
    assert_eq!(told, serde_json::json!({ "active": false }));
    let wrong = server
        .post("/token", &["--user", "backup:wrong"], &grant)
        .expect(401);
    assert_eq!(wrong.json()["error"], "invalid_client");
    assert!(
        wrong
            .header("www-authenticate")
            .is_some_and(|value| value.starts_with("Basic"))
    );

    // A login in a browser.
    let wiki =
        "wiki --redirect-uri https://wiki.example.org/callback --scope openid --scope profile";
    let secret = add(&machine, wiki).expect("a secret");
    let wiki = format!("wiki:{secret}");
    let address = format!(
        "{}/authorize?response_type=code&client_id=wiki&redirect_uri={CALLBACK}\
         &scope=openid+profile&state=a-state&nonce=a-nonce",
        server.issuer
    );
    let mut back = String::new();
    wait_until("the wiki is taken up", || {
        back = browse(&machine, &address);
        back.starts_with(CALLBACK)
    });
    assert_eq!(parameter(&back, "state"), "a-state");
    let code = parameter(&back, "code");
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
    ];
    let tokens = post(&server, "/token", Some(&wiki), &grant);
    assert!(tokens["id_token"].is_string(), "{tokens}");
    verified_for(
        &server,
        &machine,
        [&server.issuer, "wiki"],
        &[(&tokens, "alice")],
    );
    let bearer = format!(
        "Authorization: Bearer {}",
        tokens["access_token"].as_str().expect("one")
    );
    let person = server
        .get("/userinfo", &["--header", &bearer])
        .expect(200)
        .json();
    assert_eq!(
        (&person["sub"], &person["preferred_username"]),
        (&"alice".into(), &"alice".into())
    );

    // jwt-ssh's device flow, by hand.
    let jwt_ssh = "jwt-ssh --public --redirect-uri http://127.0.0.1/ --grant authorization_code \
                   --grant device_code --grant refresh_token --grant token-exchange \
                   --scope openid --scope offline_access --audience ssh://*";
    assert_eq!(add(&machine, jwt_ssh), None);
    let (client, resource) = (("client_id", "jwt-ssh"), "ssh://web1.example.org");
    let asked = [
        client,
        ("scope", "openid offline_access"),
        ("resource", resource),
    ];
    let mut device = Value::Null;
    wait_until("jwt-ssh is taken up", || {
        let answer = server.post("/device_authorization", &[], &asked);
        device = answer.json();
        answer.status == 200
    });
    let grant = [
        client,
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        (
            "device_code",
            device["device_code"].as_str().expect("a code"),
        ),
    ];
    browse(
        &machine,
        device["verification_uri_complete"]
            .as_str()
            .expect("an address"),
    );
    let tokens = post(&server, "/token", None, &grant);
    verified_for(
        &server,
        &machine,
        [resource, "jwt-ssh"],
        &[(&tokens, "alice")],
    );
    let refresh = tokens["refresh_token"].as_str().expect("a refresh token");
    let grant = [
        client,
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh),
    ];
    let next = post(&server, "/token", None, &grant);
    assert_ne!(next["refresh_token"], tokens["refresh_token"]);
    verified_for(
        &server,
        &machine,
        [resource, "jwt-ssh"],
        &[(&next, "alice")],
    );
}

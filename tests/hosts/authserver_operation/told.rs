//! What it tells of itself: logs, metrics, health.

use super::{METRICS, METRICS_URL, installed, metric};
use machine::{Answer, AuthServer, CLIENT_SECRET, Machine, Postgresql, SCOPES};

const PASSWORD: &str = "correct horse battery";
const WRONG: &str = "incorrect horse battery";

/// Where `web` has browsers sent back to.
const CALLBACK: &str = "http://127.0.0.1/callback";

/// The cookies of alice's browser.
const JAR: [&str; 4] = ["--cookie", "/run/jar", "--cookie-jar", "/run/jar"];

/// A client that may do what needs no browser.
const OLD: &str = "grant_types = [\"password\", \"refresh_token\",
    \"urn:ietf:params:oauth:grant-type:device_code\"]
redirect_uris = [\"https://old.example.org/callback\"]
scopes = [\"openid\", \"read\"]
";

/// What the members of an answer say that are nobody else's.
fn secrets_of(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let names = [
        "access_token",
        "refresh_token",
        "id_token",
        "device_code",
        "user_code",
        "request_uri",
    ];
    let said = names.iter().filter_map(|name| json[name].as_str());
    let said: Vec<String> = said.map(str::to_owned).collect();
    assert!(!said.is_empty(), "{answer}");
    said
}

/// What alice's browser is shown at an address of the server, or for a form that it sends there;
/// or where it is sent outside.
fn visit(server: &AuthServer<'_>, path: &str, form: &[(&str, &str)]) -> Answer {
    let mut answer = match form {
        [] => server.get(path, &JAR),
        form => server.post(path, &JAR, form),
    };
    loop {
        let next = answer.header("location").unwrap_or_default();
        let Some(next) = next.strip_prefix(&*server.issuer).map(str::to_owned) else {
            return answer;
        };
        answer = server.get(&next, &JAR);
    }
}

/// Fills in the form of a page.
fn fill(server: &AuthServer<'_>, page: &Answer, typed: &[(&str, &str)]) -> Answer {
    let page = &page.clone().expect(200).body;
    let value = |before: &str| {
        let (_, rest) = page.split_once(before).expect(before);
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    let action = value("action=\"");
    let hidden = ["i", "token", "step"];
    let hidden = hidden.map(|name| (name, value(&format!("name=\"{name}\" value=\""))));
    let hidden = hidden.iter().map(|(name, value)| (*name, value.as_str()));
    let form: Vec<_> = hidden.chain(typed.iter().copied()).collect();
    let path = action.strip_prefix(&*server.issuer).expect("its own");
    visit(server, path, &form)
}

/// alice logs in for the client `web`, which has pushed its request, and lets in the device that
/// shows this code: what she and the client were given.
fn in_browser(server: &AuthServer<'_>, user_code: &str) -> Vec<String> {
    let web = server.basic("web");
    let pushed = [
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid read"),
        ("state", "a-state-that-is-a-secret"),
    ];
    let pushed = server.post("/par", &["--user", &web], &pushed).expect(201);
    let mut secrets = secrets_of(&pushed);
    let path = format!("/authorize?client_id=web&request_uri={}", secrets[0]);
    let page = visit(server, &path, &[]);
    let page = fill(server, &page, &[("account", "alice")]);
    let page = fill(server, &page, &[("answer0", PASSWORD)]);
    let back = fill(server, &page, &[("decision", "allow")]).expect(303);
    let (_, code) = back.head.split_once("?code=").expect("a code");
    let code = code.split('&').next().expect("a code").to_owned();
    let form = [
        ("grant_type", "authorization_code"),
        ("redirect_uri", CALLBACK),
        ("code", &*code),
    ];
    let tokens = server.post("/token", &["--user", &web], &form).expect(200);
    secrets.extend(secrets_of(&tokens));
    secrets.push(code);
    let page = visit(server, &format!("/device?user_code={user_code}"), &[]);
    let page = fill(server, &page, &[("user_code", user_code)]);
    let done = fill(server, &page, &[("decision", "allow")]).expect(200);
    assert!(done.body.contains("Your device is logged in"), "{done}");
    let jar = server.machine().read("/run/jar");
    let cookies = jar.lines().filter(|line| line.contains("pam-jwt-"));
    let cookies = cookies.filter_map(|line| line.rsplit('\t').next());
    let cookies: Vec<String> = cookies.map(str::to_owned).collect();
    assert_eq!(cookies.len(), 2, "{jar}");
    secrets.extend(cookies);
    secrets
}

/// The server, after everything that can be done there; and all that it handed out or was given
/// and that is to be nobody else's.
fn busy(machine: &Machine) -> (AuthServer<'_>, Vec<String>) {
    machine.account("alice");
    machine.password("alice", PASSWORD);
    let settings = format!("{METRICS}{SCOPES}");
    let server = AuthServer::on(machine)
        .settings(&settings)
        .client("old", Some(CLIENT_SECRET), OLD)
        .start();
    let old = server.basic("old");
    let post = |path: &str, form: &[(&str, &str)]| server.post(path, &["--user", &old], form);
    let mut secrets: Vec<String> = vec![CLIENT_SECRET.into(), PASSWORD.into(), WRONG.into()];
    let login = |name: &str, password: &str| {
        let form = [
            ("grant_type", "password"),
            ("username", name),
            ("password", password),
            ("scope", "openid read"),
        ];
        post("/token", &form)
    };
    let first = login("alice", PASSWORD).expect(200);
    let member = |name: &str| first.json()[name].as_str().expect("a text").to_owned();
    login("alice", WRONG).expect(400);
    // As it happens when people are in a hurry.
    login(WRONG, "alice").expect(400);
    let [access, refresh] = ["access_token", "refresh_token"].map(member);
    let refreshing = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &*refresh),
    ];
    let second = post("/token", &refreshing).expect(200);
    let bearer = format!("Authorization: Bearer {access}");
    server.get("/userinfo", &["--header", &bearer]).expect(200);
    let api = server.basic("api");
    for token in [access.as_str(), "no-such-token-but-a-secret"] {
        let asked = [("token", token)];
        server
            .post("/introspect", &["--user", &api], &asked)
            .expect(200);
    }
    let device = post("/device_authorization", &[("scope", "read")]).expect(200);
    let device_code = device.json()["device_code"].clone();
    let user_code = device.json()["user_code"].clone();
    secrets.extend(in_browser(&server, user_code.as_str().expect("a text")));
    let coming = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", device_code.as_str().expect("a text")),
    ];
    let third = post("/token", &coming).expect(200);
    // What is wrong, and nevertheless somebody's.
    for path in [
        "/token?code=a-code-in-an-address",
        "/jwks?access_token=a-token-in-an-address",
        "/callback?code=a-code-at-another-path&state=s",
    ] {
        server.get(path, &[]);
    }
    for form in [
        [
            ("grant_type", "authorization_code"),
            ("code", "a-code-of-nobody"),
        ],
        [("grant_type", "a-secret-in-a-wrong-place"), ("code", "x")],
        [
            ("grant_type", "refresh_token"),
            ("refresh_token", &*refresh),
        ],
        [("client_secret", "a-second-secret"), ("client_id", "old")],
    ] {
        let status = post("/token", &form).status;
        assert!([400, 401].contains(&status), "{form:?}: {status}");
    }
    let wrong = [("grant_type", "client_credentials")];
    let user = "old:a-wrong-secret-of-a-client";
    server.post("/token", &["--user", user], &wrong).expect(401);
    let user = "a-secret-in-the-clients-place:x";
    server.post("/token", &["--user", user], &wrong).expect(401);
    post("/revoke", &[("token", &access)]).expect(200);
    let answers = [&first, &second, &device, &third];
    secrets.extend(answers.into_iter().flat_map(secrets_of));
    secrets.push(server.service_token());
    for text in [
        "no-such-token-but-a-secret",
        "a-state-that-is-a-secret",
        "in-an-address",
        "a-code-at-another-path",
        "a-code-of-nobody",
        "a-secret-in-a-wrong-place",
        "a-second-secret",
        "a-wrong-secret-of-a-client",
        "a-secret-in-the-clients-place",
    ] {
        secrets.push(text.to_owned());
    }
    let jwk = machine.run(["sh", "-c", "cat /etc/pam-jwt/authserver-keys/*.jwk"]);
    let jwk: serde_json::Value = serde_json::from_str(&jwk.stdout).expect("a JWK");
    secrets.push(jwk["d"].as_str().expect("a private key").to_owned());
    (server, secrets)
}

/// Not even a part of one: a token's last part, and half of any.
#[test]
fn the_logs_have_all_that_happened_and_no_secret() {
    let machine = installed();
    let (server, secrets) = busy(&machine);
    server.stop();
    let log = server.log();
    for event in [
        "event=login result=done account=alice peer=127.0.0.1",
        "event=login result=refused reason=authentication_failed account=alice peer=127.0.0.1",
        "event=login result=refused reason=authentication_failed peer=127.0.0.1",
        "event=token result=done account=alice client_id=old grant=password scope=\"openid read\" jti=",
        "event=token result=refused reason=invalid_grant client_id=old grant=password peer=",
        "event=token result=done account=alice client_id=old grant=refresh_token ",
        "event=reuse result=refused reason=invalid_grant account=alice client_id=old grant=refresh_token sid=",
        "event=consent result=done account=alice client_id=web peer=127.0.0.1",
        "event=consent result=done account=alice client_id=old peer=127.0.0.1",
        "event=token result=done account=alice client_id=web grant=authorization_code scope=",
        "event=token result=done account=alice client_id=old grant=urn:ietf:params:oauth:grant-type:device_code scope=",
        "event=token result=refused reason=unauthorized_client client_id=old grant=authorization_code",
        "event=token result=refused reason=unsupported_grant_type client_id=old peer=",
        "event=token result=refused reason=invalid_client grant=client_credentials peer=",
        "event=revocation result=done account=alice client_id=old jti=",
        "event=token result=done client_id=service grant=client_credentials scope=",
    ] {
        assert!(log.contains(event), "not {event:?} in\n{log}");
    }
    for access in [
        "access method=POST path=/token status=200 ms=",
        "access method=GET path=/callback status=404 ms=",
        " client_id=api peer=127.0.0.1",
    ] {
        assert!(log.contains(access), "not {access:?} in\n{log}");
    }
    let syslog: Vec<String> = machine.log().iter().map(ToString::to_string).collect();
    for secret in &secrets {
        let half = &secret[secret.len() / 2..];
        for text in [&log, &syslog.join("\n")] {
            assert!(!text.contains(half), "{half:?} is in\n{text}");
        }
    }
}

#[test]
fn the_metrics_have_what_happened_and_are_apart_from_the_rest() {
    let machine = installed();
    let (server, _) = busy(&machine);
    for (name, expected) in [
        (
            "events_total{event=\"login\",result=\"done\",grant=\"\"}",
            2,
        ),
        (
            "events_total{event=\"login\",result=\"refused\",grant=\"\"}",
            2,
        ),
        (
            "events_total{event=\"token\",result=\"done\",grant=\"password\"}",
            1,
        ),
        (
            "events_total{event=\"token\",result=\"done\",grant=\"refresh_token\"}",
            1,
        ),
        (
            "events_total{event=\"token\",result=\"done\",grant=\"client_credentials\"}",
            1,
        ),
        (
            "events_total{event=\"reuse\",result=\"refused\",grant=\"refresh_token\"}",
            1,
        ),
        ("requests_total{endpoint=\"/userinfo\",status=\"200\"}", 1),
        ("conversations", 0),
        ("faults_total", 0),
    ] {
        assert_eq!(metric(&machine, name), Some(expected), "{name}");
    }
    let answer = machine.curl([METRICS_URL]).expect(200);
    let media_type = answer.header("content-type").expect("a type");
    assert!(
        media_type.starts_with("text/plain; version=0.0.4"),
        "{answer}"
    );
    server.get("/metrics", &[]).expect(404);
    server.stop();
}

#[test]
fn it_is_well_where_it_can_serve_and_says_when_it_cannot() {
    let machine = installed();
    let database = Postgresql::start(&machine);
    let server = AuthServer::on(&machine).postgresql(&database).start();
    let health = |status| server.get("/health", &[]).expect(status).json();
    assert_eq!(health(200)["status"], "ok");
    database.stop();
    let ill = health(503);
    assert_eq!(
        (&ill["status"], &ill["store"], &ill["keys"]),
        (&"fail".into(), &"fail".into(), &"ok".into())
    );
    assert!(server.log().contains("<3>fault: "), "{}", server.log());
    database.again();
    assert_eq!(health(200)["store"], "ok");
    server.stop();
}

//! A person logs in for a client.

use super::{
    CONTINUE, FORGET, PASSWORD, SEE, VERIFIER, authorize, log_in, machine, server, steps, walk,
};
use serde_json::{Value, json};

/// Checklist: C.2, C.3
#[test]
fn somebody_logs_in_and_allows_it_or_does_not() {
    let machine = machine();
    let server = server(&machine);
    let scope = ("scope", "openid offline_access read groups");
    let api = ("resource", "https://api.example.org");
    let asks = authorize(&server, &[scope, api]);
    let site = ("client_id", "web");
    let site_asks = authorize(&server, &[site, ("scope", "read")]);
    let site_asks_more = authorize(&server, &[site, ("scope", "read write")]);
    let seen = walk(
        &machine,
        steps(&[
            &[json!(["open", asks]), json!(["look", "name"])],
            &[json!(["type", "Account name", "alice"]), json!(CONTINUE)],
            &[json!(["look", "password"])],
            &[json!(["type", "Password", "wrong"]), json!(CONTINUE)],
            &[json!(["look", "wrong-password"])],
            &[json!(["type", "Password", PASSWORD]), json!(CONTINUE)],
            &[
                json!(["look", "consent"]),
                json!(["press", "Allow"]),
                json!(SEE),
            ],
            // Anybody could say that they are this client (RFC 8252 §8.6): it asks again.
            &[json!(["open", asks]), json!(SEE)],
            // A site with a secret asks for what is new, and for no more.
            &[json!(["open", site_asks]), json!(["press", "Allow"])],
            &[json!(["open", site_asks]), json!(SEE)],
            &[json!(["open", site_asks_more]), json!(SEE)],
            &[json!(["press", "Do not allow"]), json!(SEE)],
        ]),
    );
    let [
        name,
        password,
        wrong,
        consent,
        allowed,
        asked,
        again,
        more,
        denied,
    ] = seen.try_into().ok().expect("as many");
    name.expect("Log in", &["to go on to Site", "as.example.org"]);
    password.expect("Log in", &["as alice, to go on to Site"]);
    assert_eq!(
        password.0["values"],
        json!([["password", "", "current-password"]])
    );
    wrong.expect("Error: Log in", &["as alice", "The login failed."]);
    assert_eq!(wrong.0["values"], password.0["values"]);
    consent.expect(
        "Allow Site?",
        &[
            "You are logged in as alice.",
            "know which account is yours",
            "read what is yours",
            "see which groups you are in",
            "https://api.example.org",
            "127.0.0.1:5555",
        ],
    );
    asked.expect("Allow Site?", &["read what is yours"]);
    again.answer(&server, "code");
    more.expect("Allow Site?", &["change what is yours"]);
    assert_eq!(denied.answer(&server, "error"), "access_denied");
    assert!(denied.sent().iter().all(|(name, _)| name != "code"));

    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("redirect_uri", super::CALLBACK),
        ("code", &allowed.answer(&server, "code")),
        ("code_verifier", VERIFIER),
    ];
    let tokens = server.post("/token", &[], &form).expect(200).json();
    assert_eq!(
        tokens["scope"], "openid offline_access read groups",
        "{tokens}"
    );
    let log = server.log();
    assert!(!log.contains(PASSWORD), "{log}");
}

#[test]
fn an_account_that_there_is_not_looks_like_one_that_there_is() {
    let machine = machine();
    let server = server(&machine);
    let asks = authorize(&server, &[]);
    let one = |account: &str| {
        steps(&[
            &[json!(FORGET), json!(["open", asks])],
            &[
                json!(["type", "Account name", account]),
                json!(CONTINUE),
                json!(SEE),
            ],
            &[
                json!(["type", "Password", "wrong"]),
                json!(CONTINUE),
                json!(SEE),
            ],
        ])
    };
    let [known, unknown] = ["alice", "nobody-of-this-name"].map(|account| {
        let seen = walk(&machine, one(account));
        seen.iter()
            .map(|page| {
                let title = page.0["title"].as_str().expect("a title");
                assert!(page.text().contains(account), "{}", page.0);
                (
                    title.to_owned(),
                    page.text().replace(account, "NAME"),
                    page.0["values"].clone(),
                )
            })
            .collect::<Vec<_>>()
    });
    assert_eq!(known, unknown);
    assert!(
        known
            .last()
            .is_some_and(|(_, text, _)| text.contains("The login failed."))
    );
}

/// What PAM asks after the password, on as many pages as it does: a one-time code by pam_oath, and
/// a new password for one that has expired.
#[test]
fn whatever_pam_asks_is_asked() {
    let machine = machine();
    machine.account("bob");
    machine.password("bob", PASSWORD);
    machine.run(["chage", "-d", "0", "bob"]).expect_success();
    let stack = "/etc/pam.d/pam-jwt-authserver";
    let shipped = include_str!("../../../conf/pam.d/authserver");
    let line = "#auth   required    pam_oath.so";
    assert!(shipped.contains(line), "{shipped}");
    machine.write(stack, shipped.replace(line, &line[1..]), 0o644);
    let secret = "3132333435363738393031323334353637383930";
    machine.write("/etc/users.oath", format!("HOTP alice - {secret}\n"), 0o600);
    let code = machine
        .run(["oathtool", "--counter", "0", secret])
        .expect_success();
    let server = server(&machine);
    let asks = authorize(&server, &[]);
    let factor = "One-time password (OATH) for `alice'";
    let seen = walk(
        &machine,
        steps(&[
            &[json!(["open", asks])],
            &log_in("alice", PASSWORD),
            &[json!(["look", "second-factor"])],
            &[
                json!(["type", factor, "000000"]),
                json!(CONTINUE),
                json!(SEE),
            ],
            &[json!(["type", "Password", PASSWORD]), json!(CONTINUE)],
            &[
                json!(["type", factor, code.stdout.trim()]),
                json!(CONTINUE),
                json!(SEE),
            ],
        ]),
    );
    let [second, wrong, consent] = seen.try_into().ok().expect("as many");
    second.expect("Log in", &["as alice", factor]);
    // Numerals that are seen are typed with fewer mistakes, but PAM asks for it hidden.
    assert_eq!(
        second.0["values"],
        json!([["password", "", "one-time-code"]])
    );
    wrong.expect("Error: Log in", &["The login failed."]);
    consent.expect("Allow Site?", &["You are logged in as alice."]);

    machine.write(stack, shipped, 0o644);
    let other = "another horse, another battery";
    let new = |password: &str| -> [Value; 2] {
        [json!(["type", "New password", password]), json!(CONTINUE)]
    };
    let retyped = |password: &str| -> [Value; 2] {
        [
            json!(["type", "Retype new password", password]),
            json!(CONTINUE),
        ]
    };
    let seen = walk(
        &machine,
        steps(&[
            &[json!(["open", asks])],
            &log_in("bob", PASSWORD),
            &[json!(["look", "expired-password"])],
            &[
                json!(["type", "Current password", PASSWORD]),
                json!(CONTINUE),
            ],
            &[json!(["look", "new-password"])],
            &new("short"),
            &retyped("short"),
            &[json!(["look", "bad-new-password"])],
            &new(other),
            &[json!(SEE)],
            &retyped(other),
            &[json!(SEE), json!(FORGET), json!(["open", asks])],
            &log_in("bob", other),
            &[json!(SEE)],
        ]),
    );
    let [expired, new, bad, again, entered, later] = seen.try_into().ok().expect("as many");
    expired.expect(
        "Error: Log in",
        &["required to change your password", "Current password"],
    );
    new.expect("Log in", &["New password"]);
    assert_eq!(new.0["values"], json!([["password", "", "new-password"]]));
    bad.expect("Error: Log in", &["New password"]);
    again.expect("Log in", &["Retype new password"]);
    entered.expect("Allow Site?", &["You are logged in as bob."]);
    later.expect("Allow Site?", &["You are logged in as bob."]);
    // Who was wrong too often, and why the right password would be of no use now.
    let faillock = include_str!("../../../conf/pam.d/faillock");
    let faillock = faillock.replace("auth    sufficient                  pam_jwt.so\n", "");
    machine.write(stack, faillock + "account required pam_unix.so\n", 0o644);
    machine.write("/etc/security/faillock.conf", "deny = 1\n", 0o644);
    let seen = walk(
        &machine,
        steps(&[
            &[json!(["open", asks])],
            &log_in("alice", "wrong"),
            &[json!(SEE)],
        ]),
    );
    let [locked] = seen.try_into().ok().expect("as many");
    let texts = ["The login failed.", "locked due to 1 failed logins"];
    locked.expect("Error: Log in", &texts);
}

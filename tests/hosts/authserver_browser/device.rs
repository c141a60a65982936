//! A person lets in a device, by the code that it shows.

use super::{CONTINUE, FORGET, PASSWORD, log_in, machine, server, steps, walk};
use machine::AuthServer;
use serde_json::{Value, json};

fn begin(server: &AuthServer<'_>) -> Value {
    let form = [("client_id", "app"), ("scope", "read write")];
    server
        .post("/device_authorization", &[], &form)
        .expect(200)
        .json()
}

/// What the device gets.
fn poll(server: &AuthServer<'_>, begun: &Value) -> Value {
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "app"),
        (
            "device_code",
            begun["device_code"].as_str().expect("a code"),
        ),
    ];
    server.post("/token", &[], &form).json()
}

/// Checklist: C.13
#[test]
fn a_device_is_let_in_by_the_code_that_it_shows() {
    let machine = machine();
    let server = server(&machine);
    let [typed, complete, refused] = [(); 3].map(|()| begin(&server));
    let page = &typed["verification_uri"];
    let code = typed["user_code"].as_str().expect("a code");
    let enter = |code: &str| {
        [
            json!(["type", "Code that your device shows", code]),
            json!(CONTINUE),
        ]
    };
    let refused_code = refused["user_code"].as_str().expect("a code");
    let seen = walk(
        &machine,
        steps(&[
            &[json!(["open", page])],
            &log_in("alice", PASSWORD),
            &[json!(["look", "device"])],
            &enter("BBBB-BBBB"),
            &[json!(["look", "wrong-code"])],
            &enter("1234"),
            &[json!(["see"])],
            &enter(&code.to_lowercase().replace('-', " ")),
            &[json!(["look", "device-consent"]), json!(["press", "Allow"])],
            &[json!(["look", "device-done"])],
            // The same code again.
            &[json!(["open", page])],
            &enter(code),
            &[json!(["see"])],
            &enter(refused_code),
            &[
                json!(["press", "Do not allow"]),
                json!(["look", "device-refused"]),
            ],
            // With the code in the address it is compared, not typed.
            &[
                json!(FORGET),
                json!(["open", complete["verification_uri_complete"]]),
            ],
            &log_in("alice", PASSWORD),
            &[
                json!(["look", "device-complete"]),
                json!(CONTINUE),
                json!(["see"]),
            ],
            &[json!(["press", "Allow"]), json!(["see"])],
        ]),
    );
    let [
        asks,
        wrong,
        none,
        consent,
        done,
        over,
        denied,
        compare,
        shown,
        let_in,
    ] = seen.try_into().ok().expect("as many");
    asks.expect(
        "Log in a device",
        &["You are logged in as alice.", "Such as BCDF-GHJK."],
    );
    wrong.expect("Error: Log in a device", &["There is no such code"]);
    none.expect("Error: Log in a device", &["That cannot be a code."]);
    let allows = [
        "read what is yours",
        "change what is yours",
        "only if it is yours",
    ];
    consent.expect("Allow Site?", &[allows.as_slice(), &[code]].concat());
    done.expect("Your device is logged in", &["You can close this page."]);
    over.expect(
        "Error: Log in a device",
        &["There is no such code, or it is over."],
    );
    denied.expect("Your device was refused", &["Nothing was allowed."]);
    let code = &complete["user_code"];
    compare.expect(
        "Log in a device",
        &["Compare it with what your device shows."],
    );
    assert_eq!(compare.0["values"][0][1], *code);
    shown.expect("Allow Site?", &[code.as_str().expect("a code")]);
    let_in.expect("Your device is logged in", &[]);
    for begun in [&typed, &complete] {
        let tokens = poll(&server, begun);
        assert_eq!(tokens["scope"], "read write", "{tokens}");
    }
    assert_eq!(poll(&server, &refused)["error"], "access_denied");
}

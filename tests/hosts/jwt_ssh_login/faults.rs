//! What a browser, an issuer and the network do that is not to be a login.

use super::*;

/// carol's script that asks the address to which the browser is to be sent back, with these
/// queries in place of the provider's answer. `$state` and `$issuer` are what they should be.
fn answers(machine: &Machine, page: &str, requests: &[&str]) -> String {
    let script = format!(
        r#"value() {{ printf %s "$0" | sed -E "s/.*[?&]$1=([^&]*).*/\1/"; }}
        issuer={PROVIDER} state=$(value state)
        to=$(value redirect_uri | sed 's/%3A/:/g; s/%2F/\//g')
        ask() {{ curl --silent --write-out '%{{http_code}}\n' "$@"; }}
        {}"#,
        requests.join("\n")
    );
    let command = machine
        .command(["bash", "-ec", &script, page])
        .user("carol");
    command.run().expect_success().stdout
}

#[test]
fn what_is_no_login_becomes_none() {
    let machine = machine();
    let provider = Provider::start(&machine, "{}");
    what_is_no_answer_ends_no_login_and_what_is_one_ends_it(&machine);
    an_issuer_that_is_not_there_or_not_itself_is_told_of(&machine, provider);
    assert!(!exists(&machine, STATE) && !exists(&machine, &token_file(&machine)));
}

fn what_is_no_answer_ends_no_login_and_what_is_one_ends_it(machine: &Machine) {
    let output = in_browser(machine, login(machine, &[]), |page| {
        let shown = answers(
            machine,
            page,
            &[
                r#"ask "${to}?code=x&state=wrong&iss=$issuer""#,
                r#"ask "${to}?code=x&iss=$issuer""#,
                r#"ask "${to}favicon.ico""#,
                r#"ask --data "code=x&state=$state" "$to""#,
                r#"ask --request-target "http://x/?state=$state" "$to""#,
                r#"ask "${to}?error=access_denied&error_description=not+today&state=$state&iss=$issuer""#,
            ],
        );
        let codes: Vec<&str> = shown.lines().filter(|line| line.len() == 3).collect();
        assert_eq!(codes, ["400", "400", "404", "405", "404", "200"], "{shown}");
        assert!(shown.contains("You may close this window."), "{shown}");
    });
    let output = output.expect_code(1);
    let told = format!("jwt-ssh: {PROVIDER}: it refused: access_denied (not today)\n");
    assert!(output.stderr.ends_with(&told), "{output}");

    // An answer of another issuer's, or of nobody's, or with a code that is none.
    for (query, word) in [
        ("code=x&state=$state&iss=https://other", "\"https://other\""),
        ("code=x&state=$state", "the document is of the issuer \"\""),
        (
            "code=x&state=$state&iss=$issuer",
            "it refused: invalid_grant",
        ),
        ("state=$state&iss=$issuer", "something else than a code"),
    ] {
        let output = in_browser(machine, login(machine, &[]), |page| {
            answers(machine, page, &[&format!("ask \"${{to}}?{query}\"")]);
        });
        let output = output.expect_code(2);
        assert!(output.stderr.contains(word), "{word}\n{output}");
    }
}

fn an_issuer_that_is_not_there_or_not_itself_is_told_of(machine: &Machine, provider: Provider<'_>) {
    let not = |command: Command<'_>, word: &str| {
        let output = command.env("BROWSER", BROWSER).run().expect_code(2);
        assert!(output.stderr.contains(word), "{word}\n{output}");
        assert!(!exists(machine, PAGE), "{output}");
    };
    let at = |issuer: &str| jwt_ssh(machine, &["login", "--issuer", issuer]);
    // By a certificate that nobody here trusts, and one of another's.
    let none = "/etc/ssl/certs/ca-certificates.crt.none";
    let script =
        format!("openssl req -x509 -newkey ed25519 -noenc -keyout /dev/null -subj /CN=x >{none}");
    machine.run(["sh", "-c", &script]).expect_success();
    not(at(PROVIDER).env("SSL_CERT_FILE", none), "UnknownIssuer");
    not(
        at("https://machine"),
        "certificate not valid for name \"machine\"",
    );
    not(at(&format!("{PROVIDER}/")), "is not the one that was asked");
    not(
        at("http://id.example.org"),
        "neither an https URL nor on this machine",
    );
    not(
        at(&format!("{PROVIDER}/nowhere")),
        "it answered with status 404",
    );
    let other = jwt_ssh(
        machine,
        &["login", "--issuer", PROVIDER, "--client-id", "nobody"],
    );
    not(other.arg("--device"), "it refused: invalid_client");
    provider.stop();
    not(at(PROVIDER), "Connection refused");
}

//! From a login to a logout, in the order of a day.

use super::*;

#[test]
fn a_login_in_the_browser_opens_hosts_until_the_logout() {
    let machine = machine();
    let provider = Provider::start(&machine, "{}");
    trust(&machine);
    let config = &["PasswordAuthentication no"];
    let _sshds = ["machine", "web1", "web2"].map(|name| machine.sshd_of(name, "sshd", config));
    let file = token_file(&machine);

    let resources = ["--resource", "ssh://machine", "--resource", "ssh://web1"];
    let output = as_alice(&machine, &provider, login(&machine, &resources)).expect_success();
    let told =
        format!("logged in at {PROVIDER} as alice\ntoken    {file}, for ssh://machine, valid for ");
    assert!(output.stdout.starts_with(&told), "{output}");
    let told = "\nrenewed  when it is about to be sent\n";
    assert!(output.stdout.ends_with(told), "{output}");
    let told = format!("{PROVIDER}/auth?response_type=code&client_id=jwt-ssh&");
    assert!(output.stderr.contains(&told), "{output}");
    what_is_kept_is_carols(&machine, &file);
    let login = expect_id(&machine, &["alice@machine"]);
    assert_eq!(login, "alice");

    let status = jwt_ssh(&machine, &["status", "alice@machine"]).run();
    let status = status.expect_success();
    let told = format!(
        "\nlogin    {PROVIDER}, as the client jwt-ssh; renewed when it is about to be sent\n\
         verdict  would be sent to alice@machine\n"
    );
    assert!(status.stdout.ends_with(&told), "{status}");

    other_hosts_get_tokens_of_their_own(&machine, &provider, &file);
    who_comes_at_once_renews_once(&machine, &provider, &file);
    a_further_login_replaces_the_one_before(&machine, &provider);
    a_logout_leaves_nothing(&machine, &provider, &file);
}

/// Whose account the command runs in.
#[track_caller]
fn expect_id(machine: &Machine, words: &[&str]) -> String {
    let output = jwt_ssh(machine, words).arg("id -un").run().expect_success();
    assert_eq!(output.stderr, "", "{output}");
    output.stdout.trim().to_owned()
}

fn what_is_kept_is_carols(machine: &Machine, file: &str) {
    let directory = "/home/carol/.local/state/jwt-ssh";
    let stat = ["stat", "-c", "%a %U %F", directory, STATE, file];
    let stat = machine.run(stat).expect_success();
    assert_eq!(
        stat.stdout,
        "700 carol directory\n600 carol regular file\n600 carol regular file\n"
    );
    // Nothing half-written is left, and no secret twice.
    let ls = machine.run(["sh", "-c", &format!("ls -A {directory}; ls -A /tmp")]);
    let names: Vec<&str> = ls.stdout.lines().collect();
    assert!(!names.iter().any(|name| name.starts_with(".")), "{ls}");
    let token = machine.read(file);
    assert!(!machine.read(STATE).contains(&token));
}

/// By the refresh token where the login asked for the host, by token exchange elsewhere. What
/// is kept stays what it is.
fn other_hosts_get_tokens_of_their_own(machine: &Machine, provider: &Provider<'_>, file: &str) {
    let kept = machine.read(file);
    for host in ["web1", "web2"] {
        let before = provider.asked("POST /token 200");
        let to = format!("alice@{host}");
        assert_eq!(expect_id(machine, &[&to]), "alice");
        assert_eq!(provider.asked("POST /token 200"), before + 1);
        let status = jwt_ssh(machine, &["status", "--json", &to]).run();
        let status = parsed(&status.expect_success());
        let from = format!("the login at {PROVIDER}, made for this host");
        assert_eq!(status["from"], from, "{status}");
        assert_eq!(status["aud"], serde_json::json!([format!("ssh://{host}")]));
        // Only what is exchanged is short.
        let is_short = status["expires_in"].as_u64() <= Some(120);
        assert_eq!(is_short, host == "web2", "{status}");
    }
    assert_eq!(machine.read(file), kept);

    // Who does not want that says so.
    let not_sent = |words: &[&str]| {
        let before = provider.asked("POST /token ");
        let output = jwt_ssh(machine, words).arg("alice@web2").run();
        let output = output.expect_code(1);
        let told = "it is for ssh://machine, not for ssh://web2";
        assert!(output.stdout.contains(told), "{output}");
        assert_eq!(provider.asked("POST /token "), before);
    };
    let config = "/home/carol/.config/jwt-ssh/config.toml";
    machine.write(config, "[login]\nexchange = false\n", 0o644);
    not_sent(&["status"]);
    machine.inside(|| fs::remove_file(config).expect("it is there"));
    let forced = jwt_ssh(machine, &["status", "--json", "--force", "alice@web2"]).run();
    let forced = parsed(&forced.expect_success());
    assert_eq!(forced["aud"], serde_json::json!(["ssh://machine"]));
    // What is no host of the provider's is refused in its words.
    let other = "[[host]]\nmatch = \"web2\"\naudience = \"https://web2\"\n";
    machine.write(config, other, 0o644);
    let output = jwt_ssh(machine, &["status", "alice@web2"]).run();
    let output = output.expect_code(1);
    let told = format!(
        "{PROVIDER} makes no token for https://web2 of that of the login: it refused: invalid_target"
    );
    assert!(output.stdout.contains(&told), "{output}");
    machine.inside(|| fs::remove_file(config).expect("it is there"));
}

/// As after a reboot, which takes what is in /tmp.
fn who_comes_at_once_renews_once(machine: &Machine, provider: &Provider<'_>, file: &str) {
    machine.run(["rm", file]).expect_success();
    let before = provider.asked("POST /token ");
    thread::scope(|threads| {
        let all = [(); 4].map(|()| {
            threads.spawn(|| jwt_ssh(machine, &["status", "--json", "alice@machine"]).run())
        });
        for one in all {
            let status = parsed(&one.join().expect("a thread").expect_success());
            assert_eq!(status["would_be_sent"], true, "{status}");
            assert_eq!(status["from"], file, "{status}");
        }
    });
    assert_eq!(provider.asked("POST /token "), before + 1);
    what_is_kept_is_carols(machine, file);
}

fn a_further_login_replaces_the_one_before(machine: &Machine, provider: &Provider<'_>) {
    let first = kept(machine, "refresh_token");
    let again = jwt_ssh(machine, &["login", "--json"]).env("BROWSER", BROWSER);
    let again = as_alice(machine, provider, again).expect_success();
    let again = parsed(&again);
    assert_eq!(again["issuer"], PROVIDER);
    assert_eq!(again["aud"], serde_json::json!(["ssh://machine"]));
    assert_ne!(kept(machine, "refresh_token"), first);
    assert_eq!(expect_id(machine, &["alice@web1"]), "alice");
}

fn a_logout_leaves_nothing(machine: &Machine, provider: &Provider<'_>, file: &str) {
    let refresh = kept(machine, "refresh_token");
    let output = jwt_ssh(machine, &["logout"]).run().expect_success();
    let told = format!(
        "logged out at {PROVIDER}: the refresh token is revoked\n{file} is removed; the token was "
    );
    assert!(output.stdout.starts_with(&told), "{output}");
    assert!(provider.asked("POST /token/revocation 200") >= 1);
    assert!(!exists(machine, file) && !exists(machine, STATE));
    assert_eq!(refused(machine, &refresh), "invalid_grant");
    let output = jwt_ssh(machine, &["logout"]).run().expect_success();
    assert_eq!(output.stdout, "nobody is logged in\n");
    let output = jwt_ssh(machine, &["status"]).run().expect_code(1);
    assert!(output.stdout.starts_with("there is no token: "), "{output}");
    let output = jwt_ssh(machine, &["login"]).run().expect_code(2);
    assert!(
        output.stderr.contains("jwt-ssh login --issuer URL"),
        "{output}"
    );
}

fn kept(machine: &Machine, name: &str) -> String {
    let state: Value = serde_json::from_str(&machine.read(STATE)).expect("JSON");
    state[name].as_str().expect(name).to_owned()
}

/// What the provider says to whoever still has this refresh token.
fn refused(machine: &Machine, refresh_token: &str) -> String {
    let answer = machine
        .command(["curl", "--silent", "--data", "client_id=jwt-ssh"])
        .args(["--data", "grant_type=refresh_token", "--data-urlencode"])
        .arg(format!("refresh_token={refresh_token}"))
        .arg(format!("{PROVIDER}/token"))
        .run()
        .expect_success();
    parsed(&answer)["error"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

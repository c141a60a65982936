//! Who gets which token, and what it is good for.

use super::*;
use serde_json::json;

#[test]
fn a_user_gets_a_token_for_itself_and_the_log_says_so() {
    let machine = machine();
    let server = server(&machine).start();
    let stat = ["stat", "-c", "%A %U", SOCKET, "/run/pam-jwt-authserver"];
    assert_eq!(
        machine.run(stat).expect_success().stdout,
        "srw-rw-rw- pam-jwt-authserver\ndrwxr-xr-x pam-jwt-authserver\n"
    );

    let words = ["--audience", "ssh://web1", "--audience", "ssh://web2"];
    let token = printed(&jwt_ssh_token(&machine, "alice", &words).run());
    let all = claims(&token);
    assert_eq!(all["iss"], server.issuer, "{all}");
    assert_eq!(
        (&all["sub"], &all["client_id"]),
        (&json!("alice"), &json!("local"))
    );
    assert_eq!(all["aud"], json!(["ssh://web1", "ssh://web2"]));
    assert_eq!(
        (&all["amr"], &all["groups"]),
        (&json!(["peercred"]), &json!(["alice", "ops"]))
    );
    assert_eq!(all["scope"], "api ssh");
    // Nobody has logged in.
    assert!(
        all.get("auth_time").is_none() && all.get("acr").is_none(),
        "{all}"
    );
    let lifetime = all["exp"].as_u64().zip(all["iat"].as_u64());
    assert_eq!(lifetime.map(|(exp, iat)| exp - iat), Some(600));
    assert!(all["status"]["status_list"]["idx"].is_u64());

    let id = machine.run(["id", "-u", "alice"]).expect_success();
    let told = format!("local: token uid={} pid=", id.stdout.trim());
    server.wait_for_log(&told);
    let log = server.log();
    let line = log.lines().find(|line| line.contains(&told)).expect("it");
    assert!(line.contains(" account=alice audience=\"ssh://web1 ssh://web2\" scope="));
    assert!(!log.contains(&token[..20]), "{log}");

    // bob is not in ops.
    let json = printed_json(&jwt_ssh_token(&machine, "bob", &["--json"]).run());
    assert_eq!(
        (&json["scope"], &json["expires_in"]),
        (&json!("ssh"), &json!(600))
    );
    assert_eq!(json["token_type"], "Bearer");
    let all = claims(json["access_token"].as_str().unwrap());
    assert_eq!(
        (&all["sub"], &all["aud"]),
        (&json!("bob"), &json!(server.issuer))
    );
    for (words, code) in [
        (
            ["--scope", "ssh api"],
            "invalid_scope: this account may not",
        ),
        (["--scope", "nonsense"], "invalid_scope: "),
        (
            ["--audience", "https://api.example.org"],
            "invalid_target: ",
        ),
        (["--audience", "web1"], "invalid_target: "),
    ] {
        let output = jwt_ssh_token(&machine, "bob", &words).run().expect_code(1);
        assert_eq!(output.stdout, "", "{output}");
        let told = format!("jwt-ssh: the server at {SOCKET}: {code}");
        assert!(output.stderr.starts_with(&told), "{output}");
        let output = jwt_ssh_token(&machine, "bob", &words).arg("--json").run();
        assert_eq!(output.code(), Some(1), "{output}");
        let said: Value = serde_json::from_str(&output.stdout).expect("JSON");
        assert!(said["error"].as_str().unwrap().contains(code), "{output}");
    }
}

fn printed_json(output: &Output) -> Value {
    assert_eq!((output.code(), &*output.stderr), (Some(0), ""), "{output}");
    serde_json::from_str(&output.stdout).expect("JSON")
}

/// Whatever a user says of itself, it is the kernel that is believed.
#[test]
fn nobody_gets_the_token_of_another() {
    let machine = machine();
    let _server = server(&machine).start();
    for said in [
        r#"{"token":{"sub":"bob"}}"#,
        r#"{"token":{"account":"bob"}}"#,
        r#"{"token":{},"uid":0}"#,
    ] {
        let output = say(&machine, "alice", format!("{said}\n").as_bytes(), false);
        assert_eq!(error(&output).0, "invalid_request", "{said}");
    }
    // root in a user namespace of its own is alice outside.
    let inside = ["unshare", "--user", "--map-root-user", "sh", "-c"];
    let output = machine
        .command(inside)
        .arg("id -u; exec jwt-ssh token")
        .user("alice")
        .run()
        .expect_success();
    let token = output.stdout.strip_prefix("0\n").expect("it is root there");
    assert_eq!(claims(token)["sub"], "alice", "{output}");
    // Nor is the environment asked.
    let output = jwt_ssh_token(&machine, "alice", &[])
        .env("USER", "bob")
        .env("LOGNAME", "bob")
        .env("HOME", "/home/bob");
    assert_eq!(claims(&printed(&output.run()))["sub"], "alice");
}

#[test]
fn the_systems_own_accounts_get_none_unless_they_are_named() {
    let machine = machine();
    let server = server(&machine).start();
    let token = printed(&jwt_ssh_token(&machine, "backup", &[]).run());
    assert_eq!(claims(&token)["sub"], "backup");
    for (uid, why) in [
        ("0", "one of the system's own; accounts in [local]"),
        ("1", "one of the system's own; accounts in [local]"),
        ("65534", "no account's of this machine"),
        ("54321", "no account's of this machine"),
    ] {
        let set = ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups"];
        let output = machine.command(set).args(["jwt-ssh", "token"]).run();
        let output = output.expect_code(1);
        assert_eq!(output.stdout, "", "{output}");
        let told = format!("jwt-ssh: the server at {SOCKET}: access_denied: ");
        assert!(
            output.stderr.starts_with(&told) && output.stderr.contains(why),
            "{output}"
        );
        server.wait_for_log(&format!("local: refused uid={uid} "));
    }
    // An account that is gone leaves a number behind.
    let id = machine.run(["id", "-u", "bob"]).expect_success();
    machine.run(["userdel", "bob"]).expect_success();
    let uid = id.stdout.trim();
    let set = ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups"];
    let output = machine.command(set).args(["jwt-ssh", "token"]).run();
    let output = output.expect_code(1);
    assert!(output.stderr.contains("no account's"), "{output}");
}

#[test]
fn the_administrator_says_what_such_tokens_are_good_for() {
    let machine = machine();
    let client = "scopes = [\"ssh\"]\naudiences = [\"https://batch.example.org\"]\n";
    let server = server(&machine).client("local", None, client).start();
    let all = claims(&printed(&jwt_ssh_token(&machine, "alice", &[]).run()));
    assert_eq!(
        (&all["scope"], &all["aud"]),
        (&json!("ssh"), &json!("https://batch.example.org"))
    );
    let output = jwt_ssh_token(&machine, "alice", &["--scope", "api"]).run();
    assert!(output.expect_code(1).stderr.contains("invalid_scope"));
    server.stop();

    // Who may not log in at the server gets none here either.
    let settings = format!("[accounts]\ngroups = [\"ops\"]\n{SETTINGS}");
    let _server = AuthServer::on(&machine).settings(&settings).start();
    let _ = printed(&jwt_ssh_token(&machine, "alice", &[]).run());
    let output = jwt_ssh_token(&machine, "bob", &[]).run().expect_code(1);
    assert!(output.stderr.contains("in none of the groups"), "{output}");
}

/// As cron(8) runs things: no terminal, no environment, nobody who could be asked.
#[test]
fn a_cron_job_gets_a_token_and_uses_it() {
    let machine = machine();
    let server = server(&machine).start();
    trust(&machine, &server);
    let _sshd = machine.known_sshd(&["PasswordAuthentication no"]);
    let job = "umask 077; jwt-ssh token --audience ssh://machine >~/.bt.new && mv ~/.bt.new ~/.bt";
    let cron = [
        "env",
        "-i",
        "HOME=/home/alice",
        "PATH=/usr/bin:/bin",
        "sh",
        "-c",
        job,
    ];
    let output = machine.command(cron).user("alice").run().expect_success();
    assert_eq!((&*output.stdout, &*output.stderr), ("", ""));
    let stat = machine.run(["stat", "-c", "%a %U", "/home/alice/.bt"]);
    assert_eq!(stat.expect_success().stdout, "600 alice\n");
    let login = machine
        .command([
            "jwt-ssh",
            "--token-file",
            "/home/alice/.bt",
            "alice@machine",
            "id -un",
        ])
        .user("alice")
        .run()
        .expect_success();
    assert_eq!(login.stdout, "alice\n", "{login}");
    // On a terminal whoever sees it is told what it is.
    let mut terminal = machine
        .command(["jwt-ssh", "token"])
        .user("alice")
        .terminal();
    terminal.expect("keep it to yourself");
    assert_eq!(terminal.wait().code(), Some(0));
}

/// `ssh SERVER jwt-ssh token`: the login there is what it takes, and there is no HTTP.
#[test]
fn a_login_by_ssh_is_all_that_a_token_takes() {
    let machine = machine();
    let server = server(&machine).start();
    trust(&machine, &server);
    let _sshd = machine.known_sshd(&["PasswordAuthentication no"]);
    // alice's key lets her in at the server, and from there her token does elsewhere.
    let key = machine.ssh_key("alice");
    machine
        .run(["install", "-o", "bob", "-m", "600", &key, "/home/bob/key"])
        .expect_success();
    let ssh = "ssh -i ~/key alice@machine jwt-ssh token --audience ssh://machine";
    let issued = machine.command(["sh", "-c", ssh]).user("bob").run();
    let token = printed(&issued.expect_success());
    assert_eq!(claims(&token)["sub"], "alice");
    let get = "ssh -i ~/key alice@machine jwt-ssh token --audience \"$JWT_SSH_AUDIENCE\"";
    let login = machine
        .command(["jwt-ssh", "--token-command", get, "alice@machine", "id -un"])
        .user("bob")
        .run()
        .expect_success();
    assert_eq!(login.stdout, "alice\n", "{login}");
}

/// Has the machine's sshd take the server's tokens, as the recipe for it says, with keys that
/// pam-jwt-fetch gets.
fn trust(machine: &Machine, server: &AuthServer<'_>) {
    let issuer = format!("issuer={}", server.issuer);
    let trust = ["pam-jwt", "trust", "pam-jwt-authserver", "--set", &issuer];
    let sets = ["--set", "clients=local", "--set", "accounts=alice"];
    machine.command(trust).args(sets).run().expect_success();
    machine.run(["pam-jwt-fetch", "--now"]).expect_success();
}

/// Clients that registered themselves are in the server's store: it tells root of them, and
/// nobody else.
#[test]
fn root_sees_and_removes_the_clients_that_registered_themselves() {
    let machine = machine();
    let settings = format!("{SETTINGS}[registration]\nmode = \"open\"\n");
    let server = AuthServer::on(&machine).settings(&settings).start();
    let metadata = r#"{"client_name":"Itself","redirect_uris":["http://127.0.0.1/callback"]}"#;
    let register = format!("{}/register", server.url());
    let json = "Content-Type: application/json";
    let answer = machine.curl(["--header", json, "--data", metadata, &register]);
    let registered = answer.expect(201).json();
    let id = registered["client_id"].as_str().expect("a text");
    let clients = |words: &[&str]| machine.command(["pam-jwt", "clients"]).args(words).run();

    let list = clients(&["list"]).expect_success();
    assert!(
        list.stdout.contains(id) && list.stdout.contains("Itself"),
        "{list}"
    );
    assert!(list.stdout.contains("service"), "{list}");
    let show = clients(&["show", id]).expect_success();
    assert!(show.stdout.contains("Itself"), "{show}");
    for said in [
        "\"list\"",
        &format!("{{\"show\":\"{id}\"}}"),
        &format!("{{\"remove\":\"{id}\"}}"),
    ] {
        let said = format!("{{\"clients\":{said}}}\n");
        let refused = error(&say(&machine, "alice", said.as_bytes(), false));
        assert_eq!(refused.0, "access_denied");
    }
    let removed = clients(&["remove", id]).expect_success();
    assert!(
        removed.stdout.contains("which had registered itself"),
        "{removed}"
    );
    assert!(!clients(&["list"]).expect_success().stdout.contains(id));
    for words in [["show", id], ["remove", id]] {
        let none = clients(&words).expect_code(2);
        assert!(none.stderr.contains("there is no client"), "{none}");
    }
    server.stop();
    let list = clients(&["list"]).expect_success();
    assert!(list.stdout.contains("service"), "{list}");
    assert!(
        list.stderr
            .contains("pam-jwt-authserver, whose store has them"),
        "{list}"
    );
}

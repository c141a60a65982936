//! Files in the places of a login that are none of its own.

use super::*;

#[test]
fn what_no_login_wrote_is_left_alone() {
    let machine = machine();
    machine.account("bob");
    let provider = Provider::start(&machine, "{}");
    let file = token_file(&machine);
    machine.write_as("carol", "/home/carol/own", "theirs", 0o600);
    let kept = |word: &str| {
        let before = machine.run(["stat", "-c", "%F %U %s %Y", &file]).stdout;
        let command = login(&machine, &["--resource", "ssh://machine"]);
        let output = command.run().expect_code(2);
        assert!(output.stderr.contains(word), "{word}\n{output}");
        assert!(
            !exists(&machine, PAGE) && !exists(&machine, STATE),
            "{output}"
        );
        let after = machine.run(["stat", "-c", "%F %U %s %Y", &file]).stdout;
        assert_eq!(before, after);
    };
    for (make, word) in [
        (
            "install -o bob -m 644 /home/carol/own",
            "not a file of your own; remove it",
        ),
        ("install -o bob -m 600 /home/carol/own", "Permission denied"),
        ("ln -s /home/carol/own", "symbolic link"),
        ("mkdir", "not a file of your own"),
        ("install -o carol -m 602 /home/carol/own", "chmod 600"),
        (
            "install -o carol -m 600 /home/carol/own",
            "--force replaces it",
        ),
    ] {
        let make = format!("rm -rf {file}; {make} {file}");
        machine.run(["sh", "-c", &make]).expect_success();
        kept(word);
    }
    assert_eq!(machine.read("/home/carol/own"), "theirs");

    let forced = login(&machine, &["--force", "--resource", "ssh://machine"]);
    let forced = forced
        .env("BEARER_TOKEN", "x")
        .env("BEARER_TOKEN_FILE", "y");
    let output = as_alice(&machine, &provider, forced).expect_success();
    for name in ["BEARER_TOKEN", "BEARER_TOKEN_FILE"] {
        let told = format!("jwt-ssh: {name} is set and goes before it\n");
        assert!(output.stderr.contains(&told), "{output}");
    }
    // What another tool puts there is that tool's.
    let other = machine.token(["alice"]);
    machine.write_as("carol", &file, &other, 0o600);
    let status = jwt_ssh(&machine, &["status", "--json", "alice@machine"]).run();
    let status = parsed(&status.expect_success());
    assert_eq!(
        (&status["iss"], &status["login"]),
        (&machine::ISSUER.into(), &Value::Null)
    );
    let output = jwt_ssh(&machine, &["logout"]).run().expect_success();
    assert!(output.stdout.contains("was left alone"), "{output}");
    assert_eq!(machine.read(&file), other);
    assert!(!exists(&machine, STATE));

    // In a directory of the session's own, which goes before.
    machine.run(["rm", &file]).expect_success();
    let runtime = "/run/carol";
    machine
        .run(["install", "-d", "-o", "carol", "-m", "700", runtime])
        .expect_success();
    let here = login(&machine, &["--id-token"]).env("XDG_RUNTIME_DIR", runtime);
    let output = as_alice(&machine, &provider, here).expect_success();
    let own = file.replace("/tmp", runtime);
    assert!(
        output
            .stdout
            .contains(&format!("{own}, for jwt-ssh, valid")),
        "{output}"
    );
    assert!(!exists(&machine, &file));
    // When that is gone, it goes where tools look then; and a login elsewhere takes it away.
    machine.run(["rm", "-r", runtime]).expect_success();
    let status = jwt_ssh(&machine, &["status", "--json"])
        .run()
        .expect_success();
    assert_eq!(parsed(&status)["from"], file, "{status}");
    machine
        .run(["install", "-d", "-o", "carol", "-m", "700", runtime])
        .expect_success();
    let again = jwt_ssh(&machine, &["login"]).env("XDG_RUNTIME_DIR", runtime);
    let again = again.env("BROWSER", BROWSER);
    as_alice(&machine, &provider, again).expect_success();
    assert!(exists(&machine, &own) && !exists(&machine, &file));
    // A login that does not load is no way to lose what is there.
    machine.write_as("carol", STATE, "{}", 0o600);
    machine.run(["rm", &own]).expect_success();
    let output = jwt_ssh(&machine, &["status"]).run().expect_code(1);
    let told = "login.json: it is not what jwt-ssh writes; remove it and log in: jwt-ssh login";
    assert!(output.stdout.contains(told), "{output}");
    let output = login(&machine, &[]).run().expect_code(2);
    assert!(output.stderr.contains(told), "{output}");
    // Nor is a link followed there.
    machine.write_as("carol", "/home/carol/own", "theirs", 0o600);
    let link = ["ln", "-sf", "/home/carol/own", STATE];
    machine.run(link).expect_success();
    let output = login(&machine, &[]).run().expect_code(2);
    assert!(
        output
            .stderr
            .contains("login.json: Too many levels of symbolic links"),
        "{output}"
    );
    assert_eq!(machine.read("/home/carol/own"), "theirs");
}

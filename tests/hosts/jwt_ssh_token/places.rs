//! Files and variables: WLCG bearer token discovery, and `--token-file`.

use super::*;

/// The directory that is XDG_RUNTIME_DIR here.
const RUNTIME: &str = "/home/carol/run";

/// A token in each of the places: alice's in the one named, blanks before it, and the
/// tokens of somebody who may not log in behind it.
fn discovery<'m>(machine: &'m Machine, place: usize, command: &[&str]) -> Command<'m> {
    let (hers, others) = (machine.token(["alice"]), machine.token(["bob"]));
    let id = carols_id(machine);
    let text = |at: usize| match at.cmp(&place) {
        std::cmp::Ordering::Less => " \n\t".to_owned(),
        std::cmp::Ordering::Equal => format!(" \t{hers}\r\n\n"),
        std::cmp::Ordering::Greater => others.clone(),
    };
    machine.write_as("carol", "/home/carol/named", text(1), 0o600);
    machine.write_as("carol", &format!("{RUNTIME}/bt_u{id}"), text(2), 0o600);
    machine.write_as("carol", &format!("/tmp/bt_u{id}"), text(3), 0o600);
    machine
        .command(command)
        .user("carol")
        .env("BEARER_TOKEN", text(0))
        .env("BEARER_TOKEN_FILE", "/home/carol/named")
        .env("XDG_RUNTIME_DIR", RUNTIME)
}

#[test]
fn the_first_place_that_is_not_blank_has_the_token() {
    let machine = machine();
    machine
        .run(["install", "-d", "-o", "carol", RUNTIME])
        .expect_success();
    let _sshd = sshd(&machine);
    let id = carols_id(&machine);
    let places = [
        "the environment variable BEARER_TOKEN".to_owned(),
        "/home/carol/named".to_owned(),
        format!("{RUNTIME}/bt_u{id}"),
        format!("/tmp/bt_u{id}"),
    ];
    for (place, name) in places.iter().enumerate() {
        let login = ["jwt-ssh", "alice@machine", "id -un"];
        expect_login(discovery(&machine, place, &login).run());
        let status = discovery(&machine, place, &["jwt-ssh", "status", "alice@machine"]).run();
        let status = status.expect_success();
        assert!(
            status.stdout.starts_with(&format!("from     {name}\n")),
            "{status}"
        );
    }
    // All are blank.
    let none = discovery(&machine, 4, &["jwt-ssh", "alice@machine", "id"]);
    let last = format!("{RUNTIME}/bt_u{id}, /tmp/bt_u{id}, and this is no job");
    expect_not_sent(&machine, none, &["there is no token: ", &last]);
}

#[test]
fn what_is_no_token_is_an_error_and_no_other_place_is_tried() {
    let machine = machine();
    let _sshd = sshd(&machine);
    let token = machine.token(["alice"]);
    let id = carols_id(&machine);
    machine.write_as("carol", &format!("/tmp/bt_u{id}"), &token, 0o600);
    let header = token.split('.').next().unwrap_or_default();
    for bad in [
        "hunter2",
        &format!("Bearer {token}"),
        &format!("{token}\n{token}"),
        header,
        &token[1..],
    ] {
        let variable = login(&machine, &[]).env("BEARER_TOKEN", bad);
        let words = ["what the environment variable BEARER_TOKEN holds is no token: "];
        let output = expect_not_sent(&machine, variable, &words);
        assert!(!output.stderr.contains(&bad[..5]), "{output}");
    }
    let missing = login(&machine, &[]).env("BEARER_TOKEN_FILE", "/nowhere");
    let words = ["BEARER_TOKEN_FILE: no token from /nowhere: No such file"];
    expect_not_sent(&machine, missing, &words);
}

/// What lies in /tmp may be anybody's, and is not waited for.
#[test]
fn in_tmp_only_a_file_of_ones_own_is_a_token() {
    let machine = machine();
    machine.account("bob");
    let _sshd = sshd(&machine);
    let token = machine.token(["alice"]);
    machine.write_as("carol", "/home/carol/own", &token, 0o600);
    machine.write_as("bob", "/home/bob/token", &token, 0o644);
    let place = format!("/tmp/bt_u{}", carols_id(&machine));
    for (make, word) in [
        (
            "install -o bob -m 644 /home/bob/token",
            "not a file of your own",
        ),
        ("install -o bob -m 600 /home/bob/token", "Permission denied"),
        ("ln -s /home/bob/token", "symbolic link"),
        // Also if it leads to her own.
        ("ln -s /home/carol/own", "symbolic link"),
        (
            "setpriv --reuid bob --clear-groups mkfifo -m 666",
            "not a file of your own",
        ),
        (
            "setpriv --reuid carol --clear-groups mkfifo -m 600",
            "not a file of your own",
        ),
        ("mkdir", "not a file of your own"),
        ("install -o carol -m 602 /home/carol/own", "chmod 600"),
        (
            "install -o carol -g bob -m 660 /home/carol/own",
            "chmod 600",
        ),
    ] {
        let make = format!("rm -rf {place}; {make} {place}");
        machine.run(["sh", "-c", &make]).expect_success();
        let words = [&*format!("no token from {place}: "), word];
        expect_not_sent(&machine, login(&machine, &[]), &words);
    }
    // root's is as good.
    machine.run(["rm", &place]).expect_success();
    machine.write(&place, &token, 0o644);
    expect_login(login(&machine, &[]).run());
}

#[test]
fn a_token_file_is_read_whatever_it_is() {
    let machine = machine();
    let _sshd = sshd(&machine);
    machine.write_as(
        "carol",
        "/home/carol/token",
        machine.token_of(1500, ["alice"]),
        0o600,
    );
    let other = machine.token(["bob"]);
    for text in [
        "jwt-ssh --token-file token alice@machine id -un",
        "jwt-ssh -v --token-file=token -q alice@machine id -un",
        "ln -s token link; jwt-ssh --token-file link alice@machine id -un",
        "mkfifo pipe; cat token >pipe & jwt-ssh --token-file pipe alice@machine id -un",
        "jwt-ssh --token-file <(cat token) alice@machine id -un",
    ] {
        // It goes before all other places.
        expect_login(script(&machine, text).env("BEARER_TOKEN", &other).run());
    }
    for (make, word) in [
        ("rm -f file", "no token from file: No such file"),
        (": >file", "what file holds is no token"),
        (
            "rm -f file; mkdir file",
            "no token from file: Is a directory",
        ),
        ("rmdir file; ln -s /dev/zero file", "no token is so long"),
        (
            "rm file; cp token file; chmod 0 file",
            "no token from file: Permission denied",
        ),
    ] {
        script(&machine, make).run().expect_success();
        let text = "jwt-ssh --token-file file alice@machine id";
        let command = script(&machine, text).env("BEARER_TOKEN", &other);
        expect_not_sent(&machine, command, &[word]);
    }
}

/// Nobody ever writes to it: what waits there goes when ssh does.
#[test]
fn a_pipe_that_stays_empty_holds_nothing_up() {
    let machine = machine();
    let _sshd = sshd(&machine);
    let text = "mkfifo pipe
        jwt-ssh --token-file pipe alice@machine & ssh=$!
        until pgrep -u carol -x jwt-ssh-askpass >/dev/null; do :; done
        kill $ssh
        while pgrep -u carol jwt-ssh; do sleep 0.1; done >/dev/null
        ls -d /tmp/jwt-ssh.* 2>/dev/null || echo nothing is left";
    let output = script(&machine, text).run().expect_success();
    assert_eq!(output.stdout, "nothing is left\n", "{output}");
}

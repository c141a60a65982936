//! Who speaks nonsense, says nothing, or comes too often; and servers that are not there.

use super::*;
use machine::wait_until;

#[test]
fn nonsense_is_refused_and_everybody_else_is_served() {
    let machine = machine();
    let server = server(&machine).start();
    let long = format!("{{\"token\":{{\"scope\":\"{}\"}}}}\n", "s ".repeat(2100));
    let flood = vec![b'a'; 10_000_000];
    for (said, why) in [
        (&b"\n"[..], "a line of JSON"),
        (
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "a line of JSON",
        ),
        (b"{\"token\":{\"scope\":\"\xff\"}}\n", "a line of JSON"),
        (b"{\"token\":{}", "ends in a newline"),
        (b"", "ends in a newline"),
        (long.as_bytes(), "too long"),
        (&flood, "too long"),
    ] {
        let (code, told) = error(&say(&machine, "alice", said, true));
        assert_eq!(code, "invalid_request");
        assert!(told.contains(why), "{told}");
    }
    // Somebody who says nothing is not waited for beyond a while.
    let (code, told) = error(&say(&machine, "alice", b"{\"token\"", false));
    assert_eq!(
        (&*code, &*told),
        ("invalid_request", "the request did not come in time")
    );
    // One line, one answer.
    let twice = say(&machine, "alice", b"{\"token\":{}}\n{\"token\":{}}\n", true);
    assert_eq!(twice.stdout.lines().count(), 1, "{twice}");
    let _ = printed(&jwt_ssh_token(&machine, "alice", &[]).run());
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[test]
fn who_holds_many_connections_or_comes_too_often_keeps_nobody_else_out() {
    let machine = machine();
    let settings = format!("{SETTINGS}[limits]\nrequests_per_minute = 60\n");
    let server = AuthServer::on(&machine).settings(&settings).start();
    // Open for as long as the server lets them.
    let script = "import socket, sys\n\
        all = []\n\
        for _ in range(20):\n\
        \x20   one = socket.socket(socket.AF_UNIX)\n\
        \x20   one.connect(sys.argv[1])\n\
        \x20   all.append(one)\n\
        print(all[19].recv(1000).decode(), flush=True)\n\
        sys.stdin.readline()\n";
    let mut many = machine
        .command(["python3", "-c", script, SOCKET])
        .user("alice")
        .terminal();
    many.expect("slow_down");
    let _ = printed(&jwt_ssh_token(&machine, "bob", &[]).run());
    many.send_line("");
    let _ = many.wait();

    let script = "for i in $(seq 100); do jwt-ssh token >/dev/null || exit $?; done";
    let often = [
        "setpriv",
        "--reuid",
        "alice",
        "--regid",
        "alice",
        "--init-groups",
        "sh",
    ];
    let often = machine.command(often).args(["-c", script]).run();
    let often = often.expect_code(1);
    assert!(
        often
            .stderr
            .contains("slow_down: this account asks too often"),
        "{often}"
    );
    let _ = printed(&jwt_ssh_token(&machine, "bob", &[]).run());
    server.wait_for_log("local: token ");
}

#[test]
fn a_server_that_is_not_there_is_told_with_what_to_do() {
    let machine = machine();
    let failed = |words: &[&str], told: &str| {
        let output = jwt_ssh_token(&machine, "alice", words).run().expect_code(2);
        assert_eq!(output.stdout, "", "{output}");
        assert!(output.stderr.contains(told), "{output}");
        let json = jwt_ssh_token(&machine, "alice", words).arg("--json").run();
        let json = json.expect_code(2);
        let said: Value = serde_json::from_str(&json.stdout).expect("JSON");
        assert!(said["error"].as_str().unwrap().contains(told), "{json}");
    };
    failed(
        &[],
        "is not there: no pam-jwt-authserver runs on this machine",
    );
    let server = server(&machine).start();
    let _ = printed(&jwt_ssh_token(&machine, "alice", &[]).run());
    failed(&["--socket", "/nowhere"], "jwt-ssh login --issuer URL");
    failed(&["--socket", "/etc"], "/etc: ");
    server.kill();
    failed(&[], "the server does not run");
    // What it left behind is in nobody's way.
    server.again();
    let _ = printed(&jwt_ssh_token(&machine, "alice", &[]).run());
    server.stop();
    failed(&[], "pam-jwt-authserver");

    // A server that is something else.
    let other = "import socket\n\
        server = socket.socket(socket.AF_UNIX)\n\
        server.bind('/tmp/other')\n\
        server.listen()\n\
        for answer in b'SSH-2.0-x\\r\\n', b'', b'{\"access_token\":\"a b\"}\\n':\n\
        \x20   one, _ = server.accept()\n\
        \x20   one.recv(4096)\n\
        \x20   one.sendall(answer)\n\
        \x20   one.close()\n";
    let other = machine
        .command(["python3", "-c", other])
        .user("alice")
        .terminal();
    wait_until("it listens", || {
        machine.inside(|| std::fs::exists("/tmp/other").unwrap())
    });
    for told in ["something else", "it said nothing", "something else"] {
        let words = ["--socket", "/tmp/other"];
        let output = jwt_ssh_token(&machine, "alice", &words)
            .run()
            .expect_code(2);
        assert!(
            output.stdout.is_empty() && output.stderr.contains(told),
            "{output}"
        );
    }
    assert_eq!(other.wait().code(), Some(0));
}

/// Where the socket is not wanted there is none, and where it cannot be made no server.
#[test]
fn the_socket_is_where_the_settings_say() {
    let machine = machine();
    let settings = SETTINGS.replace("[local]", "[local]\nenabled = false");
    let server = AuthServer::on(&machine).settings(&settings).start();
    assert!(!machine.inside(|| std::fs::exists(SOCKET).unwrap()));
    server.stop();
    let settings = SETTINGS.replace("[local]", "[local]\nsocket = \"/nowhere/local\"");
    machine.write(
        "/etc/pam-jwt/authserver.toml",
        format!(
            "issuer = \"{}\"\nlisten = [\"127.0.0.1:{}\"]\n{settings}",
            server.issuer, server.port
        ),
        0o644,
    );
    server.start();
    server.wait_for_log("/nowhere/local: ");
    wait_until("it has ended", || !server.runs());
}

//! How it begins and ends, and who it takes for whom.

use super::installed;
use machine::{AuthServer, CLIENT_SECRET, SCOPES, wait_until};
use std::io::{Read, Write};
use std::net::TcpStream;

const BODY: &str = "grant_type=client_credentials";

#[test]
fn what_was_begun_when_it_is_told_to_end_has_its_answer() {
    let machine = installed();
    let server = AuthServer::on(&machine).start();
    let mut begun = server.connect();
    let mut idle = server.connect();
    let credentials = base64(&format!("service:{CLIENT_SECRET}"));
    let head = format!(
        "POST /token HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {credentials}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        BODY.len()
    );
    begun.write_all(head.as_bytes()).unwrap();
    begun.write_all(&BODY.as_bytes()[..5]).unwrap();
    // Once this is answered, the one before it is under way.
    let _ = server.service_token();
    server.signal("TERM");
    server.wait_for_log("ending: nothing new is taken");
    let mut nothing = Vec::new();
    let ended = idle.read_to_end(&mut nothing);
    assert!(matches!(ended, Ok(0)), "{ended:?} {nothing:?}");
    let refused = machine.inside(|| TcpStream::connect(("127.0.0.1", server.port)));
    assert!(refused.is_err());
    assert!(server.runs());
    begun.write_all(&BODY.as_bytes()[5..]).unwrap();
    let mut answer = String::new();
    begun.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("access_token"), "{answer}");
    wait_until("it has ended", || !server.runs());
    assert!(server.log().ends_with("<6>ended\n"), "{}", server.log());
}

fn base64(text: &str) -> String {
    use base64ct::{Base64, Encoding};
    Base64::encode_string(text.as_bytes())
}

/// What anybody writes there is taken from a proxy alone.
#[test]
fn who_asks_is_said_by_proxies_that_the_settings_name_and_by_nobody_else() {
    let machine = installed();
    let settings = format!("proxies = [\"127.0.0.2\"]\n{SCOPES}");
    let server = AuthServer::on(&machine).settings(&settings).start();
    for (from, forwarded, peer) in [
        ("127.0.0.2", "198.51.100.1, 192.0.2.7", "192.0.2.7"),
        ("127.0.0.3", "192.0.2.8", "127.0.0.3"),
        ("127.0.0.1", "192.0.2.9", "127.0.0.1"),
    ] {
        let lines = server.log().lines().count();
        let field = format!("X-Forwarded-For: {forwarded}");
        let from = ["--interface", from, "--header", &field];
        server.get("/jwks", &from).expect(200);
        let log = server.log();
        let line = log.lines().skip(lines).find(|line| line.contains("/jwks"));
        let line = line.expect("a line for the request");
        assert!(line.ends_with(&format!(" peer={peer}")), "{line}");
    }
    server.stop();
}

#[test]
fn systemd_listens_for_it() {
    let machine = installed();
    let server = AuthServer::on(&machine).start();
    server.stop();
    let port = 9443;
    let script = "setsid systemd-socket-activate --listen 127.0.0.1:$0 \
            /usr/sbin/pam-jwt-authserver >/run/activated 2>&1 </dev/null &
        echo $! >/run/activated.pid";
    let start = ["sh", "-c", script, &port.to_string()];
    machine.run(start).expect_success();
    let url = format!("http://127.0.0.1:{port}/health");
    wait_until("it answers where systemd listens", || {
        let answer = machine.try_curl([url.as_str()]);
        answer.is_ok_and(|answer| answer.status == 200)
    });
    // And nowhere else, whatever the settings say.
    assert!(machine.try_curl(["http://127.0.0.1:8443/health"]).is_err());
    machine
        .run(["sh", "-c", "kill $(cat /run/activated.pid)"])
        .expect_success();
    wait_until("it has ended", || {
        machine.read("/run/activated").ends_with("<6>ended\n")
    });
}

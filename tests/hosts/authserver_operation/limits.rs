//! What it bears.

use super::{METRICS, installed, metric, network_process};
use machine::{AuthServer, Machine, SCOPES, tell, wait_until};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

const CROWD: &str = include_str!("crowd.py");

/// Many who connect and want nothing, until this is dropped.
struct Crowd(Child);

impl Crowd {
    /// `idle` that say nothing, and `slow` that say a byte a second; all of them are connected.
    fn gather(machine: &Machine, idle: usize, slow: usize) -> Self {
        let child = machine.inside(|| {
            Command::new("/usr/bin/python3")
                .args(["-c", CROWD, "8443"])
                .args([idle.to_string(), slow.to_string()])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
        });
        let mut child = child.expect("python3");
        let mut line = String::new();
        let printed = child.stdout.take().expect("it is a pipe");
        BufReader::new(printed).read_line(&mut line).unwrap();
        assert_eq!(line, "connected\n");
        Self(child)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_crowd_that_wants_nothing_keeps_nobody_from_being_served_and_has_to_go() {
    let machine = installed();
    let settings = format!("{METRICS}{SCOPES}[limits]\nrequest_timeout = \"30s\"\n");
    let server = AuthServer::on(&machine).settings(&settings).start();
    let crowd = Crowd::gather(&machine, 10_000, 300);
    wait_until("all are taken", || {
        metric(&machine, "connections") >= Some(10_300)
    });
    for _ in 0..20 {
        let _ = server.service_token();
    }
    assert!(metric(&machine, "connections") >= Some(10_300));
    let pid = network_process(&machine);
    let status = machine.read(&format!("/proc/{pid}/status"));
    let resident = status.lines().find(|line| line.starts_with("VmRSS"));
    tell(&format!("with 10,300 connections: {}", resident.unwrap()));
    wait_until("all are gone", || {
        metric(&machine, "connections") < Some(10)
    });
    let _ = server.service_token();
    drop(crowd);
    assert_eq!(metric(&machine, "turned_away_total"), Some(0));
    server.stop();
}

#[test]
fn an_address_has_its_part_of_the_connections() {
    let machine = installed();
    let settings = format!("{METRICS}{SCOPES}[limits]\nconnections_per_address = 20\n");
    let server = AuthServer::on(&machine).settings(&settings).start();
    let held: Vec<_> = (0..20).map(|_| server.connect()).collect();
    wait_until("all are taken", || {
        metric(&machine, "connections") == Some(20)
    });
    let mut more = server.connect();
    let _ = more.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut answer = Vec::new();
    // It is closed, and perhaps before what it says is read.
    let _ = more.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{answer:?}");
    assert_eq!(metric(&machine, "turned_away_total"), Some(1));
    server
        .get("/health", &["--interface", "127.0.0.2"])
        .expect(200);
    drop(held);
    wait_until("they are gone", || {
        metric(&machine, "connections") == Some(0)
    });
    let _ = server.service_token();
    server.stop();
}

#[test]
fn what_is_too_long_is_refused_and_so_is_who_asks_too_often() {
    let machine = installed();
    let settings = format!("{SCOPES}[limits]\nrequests_per_minute = 60\n");
    let server = AuthServer::on(&machine).settings(&settings).start();
    let long = "x".repeat(20_000);
    let field = format!("X-Long: {long}");
    assert_eq!(server.get("/jwks", &["--header", &field]).status, 431);
    let path = format!("/jwks?{long}");
    let status = server.get(&path, &[]).status;
    assert!([414, 431].contains(&status), "{status}");
    machine.write("/run/long", "a=".to_owned() + &"x".repeat(70_000), 0o644);
    let user = server.basic("service");
    for more in [&[][..], &["--header", "Transfer-Encoding: chunked"]] {
        let form = ["--user", &user, "--data", "@/run/long"];
        let arguments: Vec<&str> = form.iter().chain(more).copied().collect();
        let answer = server.get("/token", &arguments).expect(400);
        assert_eq!(answer.json()["error_description"], "the body is too long");
    }
    let mut refused = None;
    for _ in 0..200 {
        let answer = server.get("/jwks", &[]);
        if answer.status != 200 {
            refused = Some(answer.expect(429));
            break;
        }
    }
    let refused = refused.expect("60 requests are too many in a minute");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{refused}");
    // Another address is counted by itself.
    let other = ["--interface", "127.0.0.2"];
    server.get("/jwks", &other).expect(200);
    server.stop();
}

/// Before TLS has begun there is no request whose time would be over.
#[test]
fn who_idles_within_the_greeting_is_cut_off_and_holds_nobody_up() {
    let machine = installed();
    let settings = format!("{METRICS}{SCOPES}[limits]\nrequest_timeout = \"3s\"\n");
    let server = AuthServer::on(&machine).settings(&settings).tls().start();
    // Nothing, a part of a record's head, and one of a ClientHello (RFC 8446 §5.1, §4.1.2).
    let begun: [&[u8]; 3] = [
        b"",
        b"\x16\x03\x01",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ];
    let idle: Vec<_> = (0..30)
        .map(|number| {
            let mut stream = server.connect();
            stream.write_all(begun[number % begun.len()]).unwrap();
            stream
        })
        .collect();
    wait_until("all are taken", || {
        metric(&machine, "connections") >= Some(30)
    });
    let _ = server.service_token();
    for mut stream in idle {
        let mut told = Vec::new();
        // By the server: this end would wait for a minute, and fail.
        let ended = stream.read_to_end(&mut told);
        assert!(matches!(ended, Ok(0)), "{ended:?} {told:?}");
    }
    wait_until("all are gone", || {
        metric(&machine, "connections") == Some(0)
    });
    let _ = server.service_token();
    server.stop();
}

//! Guesses by HTTP, each of which is a login with the real stack.

use super::logins::hasty;
use super::{PASSWORD, machine};
use machine::{AuthServer, CLIENT_SECRET};
use std::io::{Read, Write};

/// A client that is told passwords.
const OLD: &str = "grant_types = [\"password\"]\nscopes = [\"read\"]\n";

/// From an address of its own.
const ELSEWHERE: [&str; 2] = ["--interface", "127.0.0.2"];

/// The status of each try, all made at once from 127.0.0.1 with a wrong password.
fn guess(server: &AuthServer<'_>, accounts: &[&str]) -> Vec<u16> {
    let sent: Vec<_> = accounts
        .iter()
        .map(|account| {
            let body = format!(
                "grant_type=password&client_id=old&client_secret={CLIENT_SECRET}\
                 &username={account}&password=wrong"
            );
            let mut stream = server.connect();
            let request = format!(
                "POST /token HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    let statuses = sent.into_iter().map(|mut stream| {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
        status.unwrap_or_else(|| panic!("{answer}"))
    });
    statuses.collect()
}

/// Checklist: C.19
#[test]
fn who_guesses_waits_and_the_owner_gets_in_from_elsewhere() {
    let machine = machine();
    machine.install();
    hasty(&machine);
    machine.account("bob");
    machine.password("bob", PASSWORD);
    // It stands still, so that no wait comes to its end.
    machine.set_clock("2040-01-01 00:00:00");
    let server = AuthServer::on(&machine)
        .client("old", Some(CLIENT_SECRET), OLD)
        .start();
    let login = |account: &str, from: &[&str]| {
        let user = server.basic("old");
        let form = [
            ("grant_type", "password"),
            ("username", account),
            ("password", PASSWORD),
        ];
        let user = ["--user", user.as_str()];
        server.post("/token", &[from, &user].concat(), &form)
    };
    let count = |statuses: &[u16], status: u16| {
        let same = statuses.iter().filter(|one| **one == status);
        same.count()
    };

    // At one account. At once they are no more than one after the other.
    let told = guess(&server, &["alice"; 10]);
    assert_eq!((count(&told, 400), count(&told, 429)), (6, 4), "{told:?}");
    let held_up = login("alice", &[]).expect(429).json();
    assert_eq!(held_up["error"], "temporarily_unavailable", "{held_up}");
    login("alice", &ELSEWHERE).expect(200);
    // The address as such is not held up yet; at many accounts it is.
    login("bob", &[]).expect(200);
    let names: Vec<String> = (0..25).map(|number| format!("user{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let told = guess(&server, &names);
    assert_eq!((count(&told, 400), count(&told, 429)), (15, 10), "{told:?}");
    machine.account("carol");
    machine.password("carol", PASSWORD);
    login("carol", &[]).expect(429);
    login("carol", &ELSEWHERE).expect(200);
    server.stop();
}

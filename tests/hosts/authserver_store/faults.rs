//! A database that is gone, and a disk that is full: the answer is an error, and when they are
//! back it works again.

use super::{installed, is_active, revoke, token};
use machine::{AuthServer, Postgresql};

const DIRECTORY: &str = "/var/lib/pam-jwt-authserver";

/// Checklist: C.15
#[test]
fn postgresql_goes_and_comes_back() {
    let machine = installed();
    let database = Postgresql::start(&machine);
    let server = AuthServer::on(&machine).postgresql(&database).start();
    let (kept, taken) = (token(&server).unwrap(), token(&server).unwrap());
    assert!(revoke(&server, "service", &taken));
    database.stop();
    let form = [("token", kept.as_str())];
    let answer = server.post("/revoke", &["--user", &server.basic("service")], &form);
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert_eq!(answer.json()["error"], "temporarily_unavailable");
    // What it knows without the store it says without it.
    assert!(!is_active(&server, &taken));
    database.again();
    assert!(is_active(&server, &kept));
    assert!(revoke(&server, "service", &kept));
    assert!(!is_active(&server, &kept));
    server.kill();
    server.again();
    assert!(!is_active(&server, &kept) && !is_active(&server, &taken));
}

/// Checklist: C.15
#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let machine = installed();
    let mount = format!("mkdir -p {DIRECTORY} && mount -t tmpfs -o size=1m tmpfs {DIRECTORY}");
    let own = format!("chown pam-jwt-authserver: {DIRECTORY} && chmod 700 {DIRECTORY}");
    let add = "getent passwd pam-jwt-authserver >/dev/null || useradd --system pam-jwt-authserver";
    for script in [add, &mount, &own] {
        machine.run(["sh", "-ec", script]).expect_success();
    }
    let server = AuthServer::on(&machine).start();
    let mut taken = Vec::new();
    let fill = format!("head -c 10M /dev/zero >{DIRECTORY}/fill || true");
    let first = token(&server).unwrap();
    assert!(revoke(&server, "service", &first));
    taken.push(first);
    machine.run(["sh", "-ec", &fill]).expect_success();
    // What the log has room for is still taken; then nothing is.
    let refused = loop {
        let token = token(&server).unwrap();
        let form = [("token", token.as_str())];
        let answer = server.post("/revoke", &["--user", &server.basic("service")], &form);
        if answer.status == 200 {
            taken.push(token);
            continue;
        }
        assert_eq!(answer.status, 503, "{}", answer.body);
        break token;
    };
    server.wait_for_log("full");
    assert!(is_active(&server, &refused));
    assert!(taken.iter().all(|token| !is_active(&server, token)));
    server.kill();
    let make_room = ["rm", &format!("{DIRECTORY}/fill")];
    machine.run(make_room).expect_success();
    server.again();
    assert!(taken.iter().all(|token| !is_active(&server, token)));
    assert!(is_active(&server, &refused));
    assert!(revoke(&server, "service", &refused));

    // Without having been started anew, too.
    let late = token(&server).unwrap();
    machine.run(["sh", "-ec", &fill]).expect_success();
    while revoke(&server, "service", &token(&server).unwrap()) {}
    machine.run(make_room).expect_success();
    assert!(revoke(&server, "service", &late), "{}", server.log());
    assert!(!is_active(&server, &late));
}

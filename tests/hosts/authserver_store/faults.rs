//! A database that is gone, and a disk that is full: the answer is an error, and when they are
//! back it works again.

use super::{allow, installed, is_active, is_refused, redeem, refresh, revoke, token, tokens};
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

/// Its tables cannot grow, and then its log cannot, by which it ends itself and begins again.
///
/// Checklist: C.8, C.11, C.15
#[test]
fn a_full_disk_of_postgresqls_loses_nothing_that_was_acknowledged() {
    let machine = installed();
    let data = "/var/lib/postgresql/small";
    let mount = format!("mkdir -p {data} && mount -t tmpfs -o size=100m tmpfs {data}");
    machine.run(["sh", "-ec", &mount]).expect_success();
    let database = Postgresql::start_in(&machine, data);
    let server = AuthServer::on(&machine).postgresql(&database).start();
    let codes: Vec<String> = (0..400).map(|number| format!("code-{number}")).collect();
    allow(&machine, &|sql| drop(database.query(sql)), &codes);
    let mut codes = codes.iter();
    let issued: Vec<String> = (0..300).map(|_| token(&server).unwrap()).collect();
    let mut issued = issued.iter();
    let mut done = Vec::new();
    let mut taken = Vec::new();
    // The status of the next one.
    let mut redeem_next = |done: &mut Vec<_>| {
        let code = codes.next().expect("more codes than there is room for");
        let answer = redeem(&server, code).expect("an answer");
        if answer.status == 200 {
            done.push((code, tokens(&answer)));
        } else {
            assert_eq!(answer.json()["error"], "temporarily_unavailable");
        }
        (code, answer.status)
    };
    for token in issued.by_ref().take(3) {
        let _ = redeem_next(&mut done);
        assert!(revoke(&server, "service", token));
        taken.push(token);
    }
    let fill = format!("head -c 200M /dev/zero >{data}/fill || true");
    machine.run(["sh", "-ec", &fill]).expect_success();

    // What there is room for is still done; then nothing is.
    let refused = loop {
        let (code, status) = redeem_next(&mut done);
        if status != 200 {
            assert_eq!(status, 503);
            break code;
        }
    };
    let kept = issued.find(|token| {
        let is_taken = revoke(&server, "service", token);
        taken.extend(is_taken.then_some(token));
        !is_taken
    });
    let kept = kept.expect("more tokens than there is room for");
    server.wait_for_log("No space left on device");
    assert!(is_active(&server, kept));
    assert!(taken.iter().all(|token| !is_active(&server, token)));
    server.kill();
    database.stop();
    let make_room = ["rm", &format!("{data}/fill")];
    machine.run(make_room).expect_success();
    database.again();
    server.again();
    assert!(taken.iter().all(|token| !is_active(&server, token)));
    assert!(is_active(&server, kept) && revoke(&server, "service", kept));
    // Nobody has had anything for it.
    let _ = tokens(&redeem(&server, refused).expect("an answer"));
    for (code, (first, old)) in &done {
        assert!(is_active(&server, first));
        let (second, _) = tokens(&refresh(&server, old).expect("an answer"));
        assert!(is_active(&server, &second));
        assert!(is_refused(redeem(&server, code).as_ref()));
    }

    let mut late = Vec::new();
    let _ = redeem_next(&mut late);
    // Connected before it is full, which a connection takes room for as well.
    let log = "select pg_switch_wal(); select pg_logical_emit_message(true, '', '');\n";
    let psql = ["psql", "-h", "/tmp", "-d", "postgres"];
    let psql = machine.command(psql).user("postgres");
    let _ = psql.stdin(format!("\\! {fill}\n{log}{log}")).run();
    machine.wait_until("! pgrep -x postgres");
    let said = machine.read(&format!("{data}/log"));
    assert!(said.contains("PANIC:  could not write to file"), "{said}");
    let (lost, status) = redeem_next(&mut late);
    assert_eq!(status, 503);
    machine.run(make_room).expect_success();
    database.again();
    // With the server that it has left.
    late.push((lost, tokens(&redeem(&server, lost).expect("an answer"))));
    for (code, (first, _)) in &late {
        assert!(is_active(&server, first));
        assert!(is_refused(redeem(&server, code).as_ref()));
    }
    server.stop();
}

//! PostgreSQL, which is no login: its backends ask PAM whether a role may come in.
//! They are not root, and the password comes over the protocol of the database.

use machine::{Machine, Output};

const DATA: &str = "/var/lib/postgresql/throwaway";

/// Two of whose roles have an account: alice and bob. dora is a role alone.
const ROLES: &str = "create role alice login; create role bob login; create role dora login;";

/// A machine with a database cluster whose roles come in through PAM, by the
/// examples of pam.d and of pg_hba.conf. The server is started by `start`.
fn cluster() -> Machine {
    let machine = Machine::ready();
    machine.account("bob");
    let example = machine.read("/usr/share/doc/pam-jwt/pam.d/postgresql");
    machine.write("/etc/pam.d/postgresql", example, 0o644);
    machine.services(&["postgresql"]);

    machine
        .run(["install", "-d", "-o", "postgres", "-m", "700", DATA])
        .expect_success();
    machine
        .postgresql_program("initdb")
        .args(["--pgdata", DATA, "--auth=peer", "--no-sync"])
        .run()
        .expect_success();
    machine.write(
        &format!("{DATA}/pg_hba.conf"),
        "local all postgres peer\nhost all all 127.0.0.1/32 pam pamservice=postgresql\n",
        0o644,
    );
    machine.append(
        &format!("{DATA}/postgresql.conf"),
        "listen_addresses = '127.0.0.1'\nunix_socket_directories = '/tmp'\nfsync = off\n",
    );
    machine
}

/// Starts the server, and makes the roles.
fn start(machine: &Machine) {
    let log = format!("{DATA}/log");
    machine
        .postgresql_program("pg_ctl")
        .args(["--pgdata", DATA, "--log", &log, "--wait", "start"])
        .run()
        .expect_success();
    machine
        .command(["psql", "-h", "/tmp", "-c", ROLES])
        .user("postgres")
        .run()
        .expect_success();
}

/// Who somebody is to the database who comes as `role` with this password.
fn psql(machine: &Machine, role: &str, password: &str) -> Output {
    machine
        .command(["psql", "--no-psqlrc", "-At", "-h", "127.0.0.1", "-U", role])
        .args(["-d", "postgres", "-c", "select current_user"])
        .env("PGPASSWORD", password)
        .run()
}

fn refused(machine: &Machine, role: &str, token: &str, audit: &str) -> String {
    let mark = machine.mark();
    let output = psql(machine, role, token).expect_code(2);
    assert_eq!(output.stdout, "", "{output}");
    assert!(
        output.stderr.contains("PAM authentication failed"),
        "{output}"
    );
    let audit = format!("pam_jwt(postgresql:auth): result=refused reason={audit}");
    machine.wait_for_log(mark, &audit).message
}

/// Checklist: A.24
#[test]
fn a_token_opens_the_role_of_its_accounts_name() {
    let machine = cluster();
    start(&machine);
    let token = machine.token(["alice"]);
    let mark = machine.mark();
    let output = psql(&machine, "alice", &token).expect_success();
    assert_eq!(output.stdout, "alice\n", "{output}");
    machine.wait_for_log(
        mark,
        "pam_jwt(postgresql:auth): result=accepted reason=allowed account=alice service=postgresql rhost=127.0.0.1",
    );
    // What asked was not root.
    let script = format!("read -r pid <{DATA}/postmaster.pid && stat -c %U /proc/$pid");
    let owner = machine.run(["sh", "-c", &script]).expect_success();
    assert_eq!(owner.stdout, "postgres\n");

    refused(&machine, "bob", &token, "account_not_allowed account=bob");
    refused(
        &machine,
        "postgres",
        &token,
        "account_not_allowed account=postgres",
    );
    // A placeholder does not lead to the superuser, whose uid is a system account's.
    let superusers = machine.token(["postgres"]);
    refused(
        &machine,
        "postgres",
        &superusers,
        "account_reserved account=postgres",
    );
    let doras = machine.token(["dora"]);
    refused(&machine, "dora", &doras, "account_unknown account=unknown");
}

/// Checklist: A.21
#[test]
fn a_token_for_something_else_opens_nothing() {
    let machine = cluster();
    start(&machine);
    let token = machine.token(["alice"]);
    let foreign = machine.token(["alice", "--audience", "ssh://other"]);
    refused(
        &machine,
        "alice",
        &foreign,
        "audience_mismatch account=alice",
    );
    machine.services(&["sshd", "login"]);
    refused(
        &machine,
        "alice",
        &token,
        "service_not_allowed account=alice service=postgresql",
    );
    // No password opens it either.
    machine.password("alice", "correct horse");
    let output = psql(&machine, "alice", "correct horse").expect_code(2);
    assert_eq!(output.stdout, "", "{output}");
}

/// Checklist: A.22
#[test]
fn a_token_that_has_expired_opens_nothing() {
    let machine = cluster();
    let old = machine.token(["alice", "--lifetime", "1h"]);
    machine.set_clock("+2h");
    start(&machine);
    let output = psql(&machine, "alice", &machine.token(["alice"])).expect_success();
    assert_eq!(output.stdout, "alice\n", "{output}");
    refused(
        &machine,
        "alice",
        &old,
        "expired account=alice service=postgresql",
    );
}

#[test]
fn a_token_may_be_long() {
    let machine = cluster();
    start(&machine);
    let pad = format!("pad={}", "x".repeat(3000));
    let token = machine.token(["alice", "--claim", &pad]);
    assert!(token.len() > 4096, "{}", token.len());
    let output = psql(&machine, "alice", &token).expect_success();
    assert_eq!(output.stdout, "alice\n", "{output}");

    // It gives its one answer to every prompt, which one of 500 bytes is continued by.
    let token = machine.token_of(500, ["alice"]);
    let output = psql(&machine, "alice", &token).expect_success();
    assert_eq!(output.stdout, "alice\n", "{output}");
    let foreign = machine.token_of(500, ["bob"]);
    let audit = "account_not_allowed account=alice service=postgresql";
    refused(&machine, "alice", &foreign, audit);

    let token = machine.token_of(60_000, ["alice"]);
    let output = psql(&machine, "alice", &token).expect_success();
    assert_eq!(output.stdout, "alice\n", "{output}");
    let path = "/etc/pam-jwt/pam-jwt.toml";
    machine.write(path, "max_token_bytes = 59999\n", 0o644);
    let audit = "token_too_long account=alice service=postgresql rhost=127.0.0.1 \
                 detail=\"the token has 60000 bytes, the limit is 59999\"";
    refused(&machine, "alice", &token, audit);
}

/// A symmetric key is root's alone, and the server is not root. The other keys of the same
/// configuration go on working.
#[test]
fn a_symmetric_key_is_out_of_reach_and_the_others_are_not() {
    let machine = cluster();
    let file = "/etc/pam-jwt/keys/shared.jwk";
    let keygen = ["pam-jwt", "keygen", "--alg", "HS256", "--out", file];
    let _ = machine.run(keygen).expect_success();
    let trust = format!(
        "issuer = \"https://shared.example.org\"\naudience = [\"ssh://{{hostname}}\"]\n\
         keys = [\"{file}\"]\n[[allow]]\naccount = \"{{sub}}\"\n\
         services = [\"postgresql\", \"sshd\"]\n"
    );
    machine.write("/etc/pam-jwt/issuers.d/shared.toml", trust, 0o644);
    start(&machine);
    let token = machine.token(["alice", "--key", file]);
    let audit = "key_out_of_reach account=alice service=postgresql";
    refused(&machine, "alice", &token, audit);
    let output = psql(&machine, "alice", &machine.token(["alice"])).expect_success();
    assert_eq!(output.stdout, "alice\n", "{output}");
    // Where the host is root, the same token is good.
    let verify = ["pam-jwt", "verify", "--user", "alice", "--service", "sshd"];
    let _ = machine.command(verify).stdin(token).run().expect_success();
}

/// The records of one-time tokens are root's: such a rule refuses here, and any other works.
///
/// Checklist: A.27
#[test]
fn a_one_time_token_opens_nothing_where_its_use_cannot_be_recorded() {
    let machine = cluster();
    machine.append(
        "/etc/pam-jwt/issuers.d/local.toml",
        "one_time = true\nmax_age  = \"1h\"\n\n\
         [[allow]]\naccount = \"bob\"\nservices = [\"postgresql\"]\n\
         claims = { plain = true }\n",
    );
    start(&machine);
    let token = machine.token(["alice"]);
    let unrecorded = || {
        let audit = "use_unrecorded account=alice service=postgresql";
        let line = refused(&machine, "alice", &token, audit);
        assert!(line.contains("does not run as root"), "{line}");
    };
    unrecorded();
    // Also where root has used some already.
    let state = "/var/lib/pam-jwt";
    let make = format!("mkdir -p -m 755 {state}; mkdir -m 700 {state}/used");
    machine.run(["sh", "-c", &make]).expect_success();
    unrecorded();
    // A token that fits no such rule.
    let plain = machine.token(["bob", "--lifetime", "2h", "--claim", "plain=true"]);
    let output = psql(&machine, "bob", &plain).expect_success();
    assert!(output.stdout.contains("bob"), "{output}");
}

/// The list is root's to change and everybody's to read, so that it is heeded here as well.
#[test]
fn a_revoked_token_opens_nothing_either() {
    let machine = cluster();
    start(&machine);
    let token = machine.token(["alice"]);
    let run = |script: &str| machine.run(["sh", "-c", script]).expect_success();
    let accepted = || {
        let output = psql(&machine, "alice", &token).expect_success();
        assert_eq!(output.stdout, "alice\n", "{output}");
    };
    accepted();
    // Whatever the umask of whoever revokes.
    let _ = run("umask 077; pam-jwt revoke --sub alice");
    refused(&machine, "alice", &token, "revoked account=alice");
    let _ = run("pam-jwt revoke --undo --sub alice");
    accepted();
    // What cannot be read there is not nothing.
    let dir = "/var/lib/pam-jwt/revoked";
    let _ = run(&format!("chmod 700 {dir}"));
    let audit = "revocations_unreadable account=alice";
    refused(&machine, "alice", &token, audit);
    let line = machine
        .wait_for_log(machine::Mark::default(), audit)
        .message;
    assert!(line.contains("run chmod a+rx on it"), "{line}");
    let _ = run(&format!("chmod 755 {dir}"));
    accepted();
}

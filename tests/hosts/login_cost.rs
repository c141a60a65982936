//! What a login costs, whatever the machine has to remember: the instructions of a host
//! program that logs in through libpam, by valgrind, and its system calls, by strace. Neither
//! depends on how busy the machine is; no time is asserted.

use machine::{Machine, tell};
use std::fs::File;

const STATE: &str = "/var/lib/pam-jwt";
const HOST: &str = env!("CARGO_BIN_EXE_pam-host");
const URI: &str = "https://login.example.org/lists/1";

/// A row of the table.
#[derive(Clone, Copy, PartialEq)]
struct Cost {
    instructions: u64,
    calls: u64,
}

/// A machine whose issuer requires a status list, and of whose two rules for alice one is for
/// tokens of one use.
fn machine_of_records() -> Machine {
    let machine = Machine::ready();
    let file = "/etc/pam-jwt/issuers.d/local.toml";
    machine.append(
        file,
        "claims = { plain = true }\n\n[[allow]]\naccount = \"{sub}\"\nservices = [\"sshd\"]\n\
         claims = { once = true }\none_time = true\nmax_age = \"1h\"\n",
    );
    let stack = "auth required pam_jwt.so\n";
    machine.write("/etc/pam.alone/sshd", stack, 0o644);
    // A million names are more than the machine's own /var holds everywhere.
    let mount = format!("mkdir -p {STATE} && mount -t tmpfs -o mode=755,nr_inodes=0 tmpfs {STATE}");
    machine.run(["sh", "-ec", &mount]).expect_success();
    machine
}

fn token(machine: &Machine, claim: &str) -> String {
    let status = format!(r#"status={{"status_list":{{"idx":5,"uri":"{URI}"}}}}"#);
    machine.token(["alice", "--claim", &status, "--claim", claim])
}

/// What a login with a new token that has this claim costs. The first one of a machine also
/// makes what is missing, so that is not the one that counts.
fn cost(machine: &Machine, claim: &str) -> Cost {
    let login = |before: &[&str]| {
        let argv = before
            .iter()
            .chain(&[HOST, "sshd", "alice", "/etc/pam.alone"]);
        let output = machine.command(argv).stdin(token(machine, claim)).run();
        let output = output.expect_success();
        assert!(
            output.stdout.contains("authenticate PAM_SUCCESS"),
            "{output}"
        );
        output
    };
    login(&[]);
    let counted = login(&[
        "valgrind",
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
    ]);
    let refs = counted
        .stderr
        .lines()
        .find_map(|line| line.split("Collected : ").nth(1));
    let instructions = refs.and_then(|text| text.trim().parse().ok());
    login(&["strace", "-f", "-o", "/tmp/calls"]);
    let calls = machine.read("/tmp/calls").lines().count() as u64;
    Cost {
        instructions: instructions.expect("instructions"),
        calls,
    }
}

fn report(what: &str, cost: Cost, empty: Cost) {
    let more = (cost.instructions as f64 / empty.instructions as f64 - 1.0) * 100.0;
    let calls = cost.calls as i64 - empty.calls as i64;
    tell(&format!(
        "{what:<44} {:>11} instructions ({more:+.2} %), {:>4} calls ({calls:+})",
        cost.instructions, cost.calls
    ));
}

/// Within two parts of a hundred and a call or two: what is counted differs that much from
/// one login to the next, since tokens differ.
fn is_alike(one: Cost, other: Cost) -> bool {
    one.instructions.abs_diff(other.instructions) * 50 <= other.instructions
        && one.calls.abs_diff(other.calls) <= 2
}

#[test]
fn a_login_costs_the_same_however_long_the_list_is() {
    let machine = machine_of_records();
    let load = |size: u64| {
        let script = format!(
            "pam-jwt status-list make --uri {URI} --size {size} --set 3=1 >/root/list.jwt &&
             pam-jwt status-list load --force /root/list.jwt"
        );
        machine.run(["sh", "-ec", &script]).expect_success();
    };
    let none = cost(&machine, "plain=true");
    report("no status list", none, none);
    let mut smallest = None;
    for size in [1_000, 10_000, 100_000, 1_000_000, 10_000_000] {
        load(size);
        let with = cost(&machine, "plain=true");
        report(&format!("a status list of {size} entries"), with, none);
        let first = *smallest.get_or_insert(with);
        assert!(is_alike(with, first), "{size} entries cost more");
    }
}

#[test]
fn a_login_costs_the_same_however_many_tokens_were_used() {
    let machine = machine_of_records();
    let plain = cost(&machine, "plain=true");
    report("a token of many uses", plain, plain);
    let none = cost(&machine, "once=true");
    report("a token of one use, 0 other records", none, plain);
    let day = machine.run(["sh", "-ec", &format!("ls -d {STATE}/used/[0-9]*")]);
    let day = day.expect_success().stdout;
    let day = day.lines().next().expect("a day");
    let mut made = 0;
    for count in [1_000, 10_000, 100_000, 1_000_000] {
        machine.inside(|| {
            for number in made..count {
                File::create(format!("{day}/{number:064x}")).expect("a record");
            }
        });
        made = count;
        let with = cost(&machine, "once=true");
        report(
            &format!("a token of one use, {count} other records"),
            with,
            plain,
        );
        assert!(is_alike(with, none), "{count} records cost more");
    }
}

#[test]
fn a_login_costs_the_same_however_many_revocations_there_are() {
    let machine = machine_of_records();
    let none = cost(&machine, "plain=true");
    report("no revocation", none, none);
    let revoke = "pam-jwt revoke --jti nobodys";
    machine.run(["sh", "-ec", revoke]).expect_success();
    let one = cost(&machine, "plain=true");
    report("1 revocation", one, none);
    let mut made = 0;
    for count in [1_000, 100_000] {
        machine.inside(|| {
            for number in made..count {
                let path = format!("{STATE}/revoked/jti-{number:064x}");
                File::create(path).expect("an entry");
            }
        });
        made = count;
        let with = cost(&machine, "plain=true");
        report(&format!("{count} revocations"), with, none);
        assert!(is_alike(with, one), "{count} revocations cost more");
    }
}

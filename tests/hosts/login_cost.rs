//! What a login costs, whatever the machine has to remember: the instructions of a host
//! program that logs in through libpam, by valgrind, and its system calls, by strace, with the
//! bytes that it has the kernel read: a file that is read whole costs no instructions. None
//! depends on how busy the machine is; no time is asserted.

use machine::{ISSUER, Machine, tell};
use std::fs::File;
use std::iter;

const STATE: &str = "/var/lib/pam-jwt";
const HOST: &str = env!("CARGO_BIN_EXE_pam-host");
const URI: &str = "https://login.example.org/lists/1";

/// A row of the table.
#[derive(Clone, Copy, PartialEq)]
struct Cost {
    instructions: u64,
    calls: u64,
    /// What files and directories were read.
    bytes: u64,
}

/// A machine of whose two rules for alice one is for
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

/// What a login with a new token that has these claims costs. The first one of a machine also
/// makes what is missing, so that is not the one that counts.
fn cost(machine: &Machine, claims: &[&str]) -> Cost {
    let claims = claims.iter().flat_map(|claim| ["--claim", claim]);
    let issue: Vec<&str> = iter::once("alice").chain(claims).collect();
    let login = |before: &[&str]| {
        let argv = before
            .iter()
            .chain(&[HOST, "sshd", "alice", "/etc/pam.alone"]);
        let output = machine
            .command(argv)
            .stdin(machine.token(issue.iter().copied()))
            .run();
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
    let calls = machine.read("/tmp/calls");
    Cost {
        instructions: instructions.expect("instructions"),
        calls: calls.lines().count() as u64,
        bytes: calls.lines().filter_map(bytes_read).sum(),
    }
}

/// What this line of strace's says was read: `1234  pread64(3, …) = 832`.
fn bytes_read(line: &str) -> Option<u64> {
    let (call, _) = line.split_once('(')?;
    let call = call.split(' ').next_back()?;
    let reads = [
        "read",
        "pread64",
        "readv",
        "preadv",
        "preadv2",
        "getdents64",
    ];
    let (_, result) = line.rsplit_once(" = ")?;
    reads.contains(&call).then(|| result.parse().ok())?
}

fn report(what: &str, cost: Cost, empty: Cost) {
    let more = (cost.instructions as f64 / empty.instructions as f64 - 1.0) * 100.0;
    let calls = cost.calls as i64 - empty.calls as i64;
    let bytes = cost.bytes as i64 - empty.bytes as i64;
    tell(&format!(
        "{what:<43} {:>8} instructions ({more:+.2} %), {:>3} calls ({calls:+}), \
         {:>6} bytes read ({bytes:+})",
        cost.instructions, cost.calls, cost.bytes
    ));
}

/// Within a part of a hundred, a call or two, and a page that is read: so much differs
/// from one login to the next, since tokens differ, and since a small file ends in the page.
fn is_alike(one: Cost, other: Cost) -> bool {
    one.instructions.abs_diff(other.instructions) * 100 <= other.instructions
        && one.calls.abs_diff(other.calls) <= 2
        && one.bytes.abs_diff(other.bytes) <= 4096
}

/// Checklist: A.29
#[test]
fn a_login_costs_the_same_however_long_the_list_is() {
    let machine = machine_of_records();
    // The last of them, lest the way there be free.
    let last_of = |size: u64| {
        let index = size - 1;
        let status = format!(r#"status={{"status_list":{{"idx":{index},"uri":"{URI}"}}}}"#);
        cost(&machine, &["plain=true", &status])
    };
    let load = |size: u64| {
        let script = format!(
            "pam-jwt status-list make --uri {URI} --size {size} --set 3=1 >/root/list.jwt &&
             pam-jwt status-list load --force /root/list.jwt"
        );
        machine.run(["sh", "-ec", &script]).expect_success();
    };
    let none = last_of(1_000);
    report("no status list", none, none);
    let mut smallest = None;
    for size in [1_000, 10_000, 100_000, 1_000_000, 10_000_000] {
        load(size);
        let with = last_of(size);
        report(&format!("a status list of {size} entries"), with, none);
        let first = *smallest.get_or_insert(with);
        assert!(is_alike(with, first), "{size} entries cost more");
        assert!(with.instructions * 50 <= none.instructions * 51);
    }
}

/// Keys that were fetched are read in one file, as others are, in a directory that is looked at
/// first; nothing is asked for over the network, and no process is started.
#[test]
fn a_login_costs_little_more_where_keys_are_fetched() {
    let machine = machine_of_records();
    let files = cost(&machine, &["plain=true"]);
    report("keys in files", files, files);
    // The name is the SHA-256 of the issuer's behind its length, of 64 bits.
    let script = format!(
        "cd /etc/pam-jwt
        key=$(sed -n 's/^keys *= *\\[\"\\(.*\\)\"\\].*/\\1/p' issuers.d/local.toml)
        sed -i 's/^keys *=.*/discover = true/' issuers.d/local.toml
        name=$(printf '\\0\\0\\0\\0\\0\\0\\0\\{length:o}%s' {ISSUER} | sha256sum | cut -d' ' -f1)
        install -d -o games -g games {STATE}/fetched
        printf '{{\"issuer\":\"%s\",\"checked_at\":%s,\"keys\":[%s]}}' {ISSUER} $(date +%s) \
            \"$(cat $key)\" >{STATE}/fetched/$name.keys",
        length = ISSUER.len(),
    );
    machine.run(["sh", "-ec", &script]).expect_success();
    let fetched = cost(&machine, &["plain=true"]);
    report("keys that were fetched", fetched, files);
    assert!(fetched.instructions * 100 <= files.instructions * 105);
    assert!(fetched.calls <= files.calls + 10);
    assert!(!machine.read("/tmp/calls").contains("socket(AF_INET"));
}

#[test]
fn a_login_costs_the_same_however_many_tokens_were_used() {
    let machine = machine_of_records();
    let plain = cost(&machine, &["plain=true"]);
    report("a token of many uses", plain, plain);
    let none = cost(&machine, &["once=true"]);
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
        let with = cost(&machine, &["once=true"]);
        report(
            &format!("a token of one use, {count} other records"),
            with,
            plain,
        );
        assert!(is_alike(with, none), "{count} records cost more");
    }
    // Once their day is due, each login drops some of them, the most that it ever does: a
    // call for each, and none that reads all their names.
    let due = format!("mv {day} {STATE}/used/1");
    machine.run(["sh", "-ec", &due]).expect_success();
    let with = cost(&machine, &["once=true"]);
    report("a token of one use, 1000000 records are due", with, plain);
    let dropped = with.calls - none.calls;
    assert!((256..300).contains(&dropped), "{dropped} calls more");
    assert!(with.bytes - none.bytes < 256 * 1024);
}

#[test]
fn a_login_costs_the_same_however_many_revocations_there_are() {
    let machine = machine_of_records();
    let none = cost(&machine, &["plain=true"]);
    report("no revocation", none, none);
    let revoke = "pam-jwt revoke --jti nobodys";
    machine.run(["sh", "-ec", revoke]).expect_success();
    let one = cost(&machine, &["plain=true"]);
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
        let with = cost(&machine, &["plain=true"]);
        report(&format!("{count} revocations"), with, none);
        assert!(is_alike(with, one), "{count} revocations cost more");
    }
}

/// What a session's own token costs, beside the one that opened it; and that of the sessions
/// which are open already a login looks at a bounded number.
#[test]
fn a_sessions_token_costs_the_same_however_many_sessions_are_open() {
    let machine = machine_of_records();
    let plain = cost(&machine, &["plain=true"]);
    report("a login by a token, no session line", plain, plain);
    let stack = "auth required pam_jwt.so\nsession required pam_jwt.so issue=required\n";
    machine.write("/etc/pam.alone/sshd", stack, 0o644);
    let session_alone = cost(&machine, &["plain=true"]);
    report("a session line, nothing to be issued", session_alone, plain);
    for alg in ["EdDSA", "ES256", "RS256", "ML-DSA-65"] {
        let key = format!("/etc/pam-jwt/private/{alg}.jwk");
        let keygen = ["pam-jwt", "keygen", "--alg", alg, "--out", &key];
        let _ = machine.run(keygen).expect_success();
        let settings = format!(
            "[issue]\nissuer = \"https://h\"\naudience = [\"ssh://b\"]\nkey = \"{key}\"\n\
             services = [\"sshd\"]\n"
        );
        machine.write("/etc/pam-jwt/pam-jwt.toml", settings, 0o644);
        let with = cost(&machine, &["plain=true"]);
        report(&format!("a session's token by {alg}"), with, plain);
        // The signature and some files; no gathering of entropy, which took two hundred times
        // as much (.cargo/config.toml).
        let most = if alg == "RS256" { 40 } else { 4 };
        assert!(with.instructions < most * plain.instructions, "{alg}");
    }
    let settings = machine.read("/etc/pam-jwt/pam-jwt.toml");
    let settings = settings.replace("ML-DSA-65", "EdDSA");
    machine.write("/etc/pam-jwt/pam-jwt.toml", settings, 0o644);
    let none = cost(&machine, &["plain=true"]);
    let mut most = None;
    for count in [64, 2_560, 25_600] {
        machine.inside(|| {
            // Of a process that lives: the machine's first.
            let stat = std::fs::read_to_string("/proc/1/stat").expect("a process");
            let start = stat.split(' ').nth(21).expect("its beginning");
            for number in 0..count {
                let name = format!("0.1.{start}.{number:032x}");
                File::create(format!("/run/pam-jwt/sessions/{name}")).expect("a record");
            }
        });
        let with = cost(&machine, &["plain=true"]);
        report(&format!("a session's token, {count} sessions"), with, none);
        let first = *most.get_or_insert(with);
        assert!(is_within_a_read(with, first), "{count} sessions cost more");
    }
}

/// As [`is_alike`], but for a read of directory entries that is longer.
fn is_within_a_read(one: Cost, other: Cost) -> bool {
    one.instructions.abs_diff(other.instructions) * 20 <= other.instructions
        && one.calls.abs_diff(other.calls) <= 4
        && one.bytes.abs_diff(other.bytes) <= 64 * 1024
}

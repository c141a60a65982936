//! The units of systemd and the lines of tmpfiles.d, as they are installed: read by systemd
//! itself, and at work where it has booted.

use machine::{LogLine, Machine, RELEASES, Terminal, tell};

const UNITS: [&str; 8] = [
    "pam-jwt-authserver.service",
    "pam-jwt-authserver.socket",
    "pam-jwt-fetch.service",
    "pam-jwt-fetch.timer",
    "pam-jwt-rollback.service",
    "pam-jwt-sessions.service",
    "pam-jwt-sessions.timer",
    r"run-pam\x2djwt.mount",
];

/// What a script of root's prints.
#[track_caller]
fn says(machine: &Machine, script: &str) -> String {
    let output = machine.run(["sh", "-ec", script]).expect_success();
    output.stdout.trim_end().to_owned()
}

/// A booted machine that issues tokens to the sessions of its sshd, with all units enabled
/// as their comments say.
fn booted(release: &str, more: &str) -> Machine {
    let machine = Machine::boot_debian(release);
    machine.make_ready();
    let settings = "[issue]\nissuer = \"https://a.example.org\"\naudience = [\"ssh://b\"]\n\
        services = [\"sshd\"]\n";
    machine.write(
        "/etc/pam-jwt/pam-jwt.toml",
        format!("{more}{settings}"),
        0o644,
    );
    machine.pam_line("sshd", "session optional pam_jwt.so issue");
    says(&machine, "systemctl daemon-reload");
    machine
}

fn enable(machine: &Machine) {
    let enable = r"systemctl --quiet enable --now 'run-pam\x2djwt.mount' pam-jwt-sessions.timer";
    says(machine, enable);
}

/// alice's terminal, opened by a token that lives so long.
fn session(machine: &Machine, lifetime: &str) -> Terminal {
    let ssh = "exec ssh -F none -tt -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o PreferredAuthentications=keyboard-interactive alice@127.0.0.1 \
        'echo file=$BEARER_TOKEN_FILE.; read line'";
    let mut terminal = machine.command(["sh", "-c", ssh]).terminal();
    terminal.send_in_pieces(&machine.token(["alice", "--lifetime", lifetime]));
    terminal.expect("file=");
    terminal
}

#[test]
fn systemd_has_nothing_to_say_about_them() {
    for machine in RELEASES.map(Machine::boot_debian) {
        machine.install();
        for unit in UNITS {
            let verify = ["systemd-analyze", "verify", "--man=no"];
            let verify = machine.command(verify);
            let path = format!("/usr/lib/systemd/system/{unit}");
            let verified = verify.arg(path).run().expect_success();
            assert_eq!((&*verified.stdout, &*verified.stderr), ("", ""), "{unit}");
        }
        let tmpfiles = ["systemd-tmpfiles", "--create", "--clean"];
        let tmpfiles = machine.command(tmpfiles);
        let conf = "/usr/lib/tmpfiles.d/pam-jwt.conf";
        let made = tmpfiles.arg(conf).run().expect_success();
        assert_eq!((&*made.stdout, &*made.stderr), ("", ""));
        let modes = "cd /run/pam-jwt && stat -c '%n %a %U' . * /var/lib/pam-jwt";
        assert_eq!(
            says(&machine, modes),
            ". 755 root\nhandoff 700 root\nsessions 700 root\n/var/lib/pam-jwt 755 root"
        );
        tell(&says(&machine, "systemctl --version | head -n 1"));
    }
}

/// As systemd starts it: with all that its unit takes away, it still fetches, stores and notes.
#[test]
fn what_fetches_is_a_user_of_its_own_and_confined() {
    for machine in RELEASES.map(Machine::boot_debian) {
        machine.make_ready();
        let owner = says(
            &machine,
            "stat -c '%U %G %a' /var/lib/pam-jwt/fetched /var/lib/pam-jwt",
        );
        assert_eq!(owner, "pam-jwt-fetch pam-jwt-fetch 755\nroot root 755");
        let issuer = "issuer = \"https://127.0.0.1:1\"\naudience = [\"ssh://a\"]\n\
            jwks_uri = \"https://127.0.0.1:1/jwks\"\n";
        machine.write("/etc/pam-jwt/issuers.d/down.toml", issuer, 0o644);
        let mark = machine.mark();
        says(
            &machine,
            "systemctl daemon-reload; systemctl start pam-jwt-fetch.service || {
                journalctl --no-pager -u pam-jwt-fetch.service; exit 1; }",
        );
        let line = machine.wait_for_log(mark, "https://127.0.0.1:1: failed: ");
        assert!(line.message.contains("onnection refused"), "{line}");
        let fetched = "/var/lib/pam-jwt/fetched";
        let state = says(&machine, &format!("cat {fetched}/*.state"));
        assert!(state.contains("onnection refused"), "{state}");
        let others = format!("find {fetched} ! -user pam-jwt-fetch");
        assert_eq!(says(&machine, &others), "");
        let rating = "systemd-analyze security --no-pager pam-jwt-fetch.service | tail -n 1";
        let rating = says(&machine, rating);
        tell(&rating);
        let level = rating
            .split_whitespace()
            .find_map(|word| word.parse::<f64>().ok());
        assert!(level.is_some_and(|level| level <= 2.0), "{rating}");
    }
}

#[test]
fn what_is_left_behind_is_taken_away_and_nothing_else() {
    let machine = Machine::boot();
    machine.install();
    let tmpfiles = |what: &str| {
        let tmpfiles =
            machine.command(["systemd-tmpfiles", what, "/usr/lib/tmpfiles.d/pam-jwt.conf"]);
        // Ages are of the real files.
        tmpfiles.env("NO_FAKE_STAT", "1").run().expect_success();
        says(&machine, "cd /run/pam-jwt && find . | sort | tr '\\n' ' '")
    };
    tmpfiles("--create");
    says(
        &machine,
        "cd /run/pam-jwt && mkdir 1000 && touch 1000/6f handoff/5e sessions/1000.7.70.6f",
    );
    let all = ". ./1000 ./1000/6f ./handoff ./handoff/5e ./sessions ./sessions/1000.7.70.6f";
    for (later, left) in [
        ("+59m", all),
        ("+61m", &all.replace(" ./handoff/5e", "")),
        ("+191h", &all.replace(" ./handoff/5e", "")),
        ("+193h", ". ./handoff ./sessions"),
    ] {
        machine.set_clock(later);
        assert_eq!(tmpfiles("--clean"), left, "{later}");
    }
}

#[test]
fn the_file_system_is_small_and_of_its_own() {
    for machine in RELEASES.map(|release| booted(release, "")) {
        enable(&machine);
        let _sshd = machine.sshd(&["PasswordAuthentication no"]);
        let options = says(&machine, "findmnt -no FSTYPE,OPTIONS /run/pam-jwt");
        for option in [
            "tmpfs",
            "nosuid",
            "nodev",
            "noexec",
            "mode=755",
            "size=32768k",
            "nr_inodes=16384",
        ] {
            assert!(options.contains(option), "{options}");
        }
        let mut open = session(&machine, "1h");
        open.expect("/run/pam-jwt/1000/");
        let files = "find /run/pam-jwt -type f";
        let used = says(&machine, "df --output=used,iused /run/pam-jwt | tail -n 1");
        tell(&format!("a session takes, KiB and inodes: {used}"));
        assert_eq!(says(&machine, &format!("{files} | wc -l")), "2");
        assert_eq!(
            says(
                &machine,
                &format!("{files} -exec stat -c %m {{}} + | sort -u")
            ),
            "/run/pam-jwt"
        );
        open.send_line("");
        open.wait().expect_success();

        // As an administrator would have it smaller: three pages, which are one session and what
        // the next login tells its session.
        let drop_in = r"/etc/systemd/system/run-pam\x2djwt.mount.d/size.conf";
        machine.write(
            drop_in,
            "[Mount]\nOptions=mode=0755,nosuid,nodev,noexec,size=12k\n",
            0o644,
        );
        says(
            &machine,
            r"systemctl daemon-reload; systemctl restart 'run-pam\x2djwt.mount'",
        );
        let mut first = session(&machine, "1h");
        first.expect("/run/pam-jwt/1000/");
        let mark = machine.mark();
        let mut second = session(&machine, "1h");
        second.expect(".");
        let failed = machine.wait_for_log(mark, "reason=issue_failed");
        assert!(
            failed.message.contains("No space left on device"),
            "{failed}"
        );
        assert_eq!(says(&machine, "ls /run/pam-jwt/1000 | wc -l"), "1");
        for (mut session, has_token) in [(second, false), (first, true)] {
            session.send_line("");
            let printed = session.wait().expect_success().stdout;
            assert_eq!(!printed.contains("file=."), has_token, "{printed}");
        }
        assert_eq!(says(&machine, files), "");
    }
}

#[test]
fn bookworms_timer_warns_who_is_to_be_warned_and_rests_where_nobody_is() {
    the_timer_warns("bookworm");
}

#[test]
fn trixies_timer_warns_who_is_to_be_warned_and_rests_where_nobody_is() {
    the_timer_warns("trixie");
}

fn the_timer_warns(release: &str) {
    let machine = booted(release, "end_with_token = [\"sshd\"]\n");
    let _sshd = machine.sshd(&["PasswordAuthentication no"]);
    enable(&machine);
    let result = "systemctl start pam-jwt-sessions.service;
        systemctl show -p ConditionResult -p Result pam-jwt-sessions.service";
    assert_eq!(says(&machine, result), "Result=success\nConditionResult=no");
    let mark = machine.mark();
    let mut open = session(&machine, "110s");
    open.expect("Save your work.");
    let told = machine.wait_for_log(mark, " left: told on /dev/pts/");
    assert!(told.message.contains("alice (sshd, process "), "{told}");
    assert_eq!(
        says(&machine, result),
        "Result=success\nConditionResult=yes"
    );
    open.send_line("");
    open.wait().expect_success();
    let rating = "systemd-analyze security --no-pager pam-jwt-sessions.service | tail -n 1";
    tell(&says(&machine, rating));
    // That it ran, and that it did not, is nothing to log.
    let noise = |line: &LogLine| {
        let words = ["Starting ", "Finished ", "skipped"];
        line.message.contains("about to end")
            && words.iter().any(|word| line.message.contains(word))
    };
    let noise: Vec<LogLine> = machine.log().into_iter().filter(noise).collect();
    assert!(noise.is_empty(), "{noise:#?}");
}

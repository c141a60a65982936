//! A token is its user's to read, at no time anybody else's.

use super::{HANDOFF, RUN, SESSIONS, Steps, claims, files, machine_with, sh, uid};
use machine::Machine;
use std::time::Duration;

/// The file has no name before it is whole, its owner's and of its last mode.
#[test]
fn while_it_is_written_a_token_has_no_name() {
    let machine = machine_with("");
    let calls = "trace=%file,%desc,write";
    let strace = [
        "strace",
        "-f",
        "-s",
        "200",
        "-e",
        calls,
        "-o",
        "/root/trace",
    ];
    let su = machine
        .command(strace)
        .args(["su", "alice", "-c", "cat $BEARER_TOKEN_FILE"]);
    let issued = su.run().expect_success().stdout;
    let trace = machine.read("/root/trace");
    let lines: Vec<&str> = trace
        .lines()
        .filter_map(|line| Some(line.split_once(' ')?.1.trim_start()))
        .collect();
    let written = lines
        .iter()
        .position(|line| line.starts_with("write(") && line.contains(&issued[..50]));
    let written = written.expect("the write");
    let file = lines[written].trim_start_matches("write(");
    let file = file.split(',').next().expect("a descriptor");
    // From its open to its close nothing but this happens to it.
    let is_its = |line: &&&str| {
        let ends = format!(") = {file}");
        let own = [
            format!("({file},"),
            format!("({file})"),
            format!("/fd/{file}\""),
        ];
        line.ends_with(&ends) || own.iter().any(|own| line.contains(own))
    };
    let opened = lines[..written]
        .iter()
        .rposition(|line| line.ends_with(&format!(") = {file}")));
    let rest = lines[opened.expect("its open")..].iter().filter(is_its);
    let rest: Vec<&str> = rest.take(6).copied().collect();
    let uid = uid(&machine, "alice");
    let expected = [
        "\".\", O_WRONLY|O_CLOEXEC|O_TMPFILE, 0600)".to_owned(),
        format!("write({file}, \"{}", &issued[..50]),
        format!("fchmod({file}, 0400)"),
        format!("fchown({file}, {uid}, -1)"),
        format!("linkat(AT_FDCWD, \"/proc/self/fd/{file}\","),
        format!("close({file})"),
    ];
    assert_eq!(rest.len(), 6, "{rest:#?}");
    for (line, expected) in rest.iter().zip(expected) {
        assert!(line.contains(&expected), "{expected}\n{rest:#?}");
    }
    // Nothing else is made there, and nothing renamed.
    let made = lines.iter().filter(|line| {
        line.contains(RUN) && (line.contains("O_CREAT") || line.starts_with("rename"))
    });
    assert_eq!(made.count(), 0);
}

/// What Bob finds who knows every name.
fn found_by_bob(machine: &Machine) -> String {
    let script = format!(
        "for file in $1; do
            cat $file; ln $file /run/bob/link && cat /run/bob/link
            mv $file /run/bob/; rm -f $file; chmod 777 $file; chown bob $file; echo bob >$file
        done
        ls {RUN}/[0-9]* {HANDOFF} {SESSIONS}; cat {RUN}/[0-9]*/* {HANDOFF}/* {SESSIONS}/*
        touch {RUN}/x {RUN}/*/x; mkdir {RUN}/4000; rmdir {RUN}/*; mv {RUN}/handoff {RUN}/x
        find {RUN} -type f"
    );
    let names = files(machine, RUN).join(" ");
    let bob = machine
        .command(["sh", "-c", &script, "sh", &names])
        .user("bob");
    bob.run().stdout
}

#[test]
fn at_no_step_of_a_login_anybody_else_reads_or_changes_what_is_there() {
    let machine = machine_with("");
    let token = machine.token(["alice"]);
    // Of the same file system, so that a link to it would be possible.
    sh(
        &machine,
        "install -d -o bob /run/bob; test $(stat -c %d /run/bob) = $(stat -c %d /run)",
    );
    for child in ["child sshd alice", "authenticate"] {
        let mut steps = Steps::of(&machine, "sshd", "alice");
        let login = format!("{child} {token}");
        let mut seen = 0;
        for step in [
            &*login,
            "acct_mgmt",
            "setcred",
            "open_session",
            "reinitialize",
        ] {
            steps.succeeds(step);
            let before = files(&machine, RUN);
            seen += before.len();
            assert_eq!(found_by_bob(&machine), "", "{step}");
            assert_eq!(files(&machine, RUN), before, "{step}");
        }
        assert!(seen > 4);
        let path = steps.variable("BEARER_TOKEN_FILE").expect("a token");
        let stat = sh(
            &machine,
            &format!("stat -c '%a %U %G %h' {path}; stat -c '%a %U %G' $(dirname {path})"),
        );
        assert_eq!(stat, "400 alice root 1\n711 root root");
        let own = machine
            .command(["cat", &path])
            .user("alice")
            .run()
            .expect_success();
        assert_eq!(claims(&machine, &own.stdout)["sub"], "alice");
        // It is nowhere else: not in the log, nor in anybody's environment.
        let signature = own.stdout.trim_end().rsplit('.').next().expect("a part");
        let log = machine.log();
        assert!(
            !log.iter().any(|line| line.message.contains(signature)),
            "{log:#?}"
        );
        let environment = steps.step("environment");
        assert!(!environment.iter().any(|line| line.contains(signature)));
        steps.succeeds("close_session").succeeds("delete_cred");
        assert_eq!(found_by_bob(&machine), "");
    }
    assert_eq!(sh(&machine, "ls -A /run/bob"), "");
}

/// Bob tries each name as soon as there is one, while a hundred sessions begin and end.
#[test]
fn whoever_waits_for_the_names_gets_nothing_while_they_appear() {
    let machine = machine_with("");
    let race = format!(
        "install -d -o bob /run/bob; mkdir -m 755 {RUN}
        while :; do find {RUN} -type f; done 2>/dev/null | tee /root/names |
            setpriv --reuid bob --regid bob --init-groups sh -c '
                while read -r file; do cat $file; ln $file /run/bob/; done 2>/dev/null' >/root/got &
        for n in $(seq 100); do
            su alice -c 'test -s $BEARER_TOKEN_FILE && test -O $BEARER_TOKEN_FILE' || echo none
        done
        kill %1; wait"
    );
    let race = machine.command(["bash", "-mc", &race]);
    let race = race.time_limit(Duration::from_secs(120)).run();
    assert_eq!(race.stdout, "", "{race}");
    let names = sh(
        &machine,
        "sort -u /root/names | grep -c '/run/pam-jwt/[0-9]'",
    );
    assert_ne!(names, "0");
    machine::tell(&format!(
        "names of tokens that somebody tried as they appeared: {names}"
    ));
    assert_eq!(machine.read("/root/got"), "");
    assert_eq!(sh(&machine, "find /run/bob -type f"), "");
}

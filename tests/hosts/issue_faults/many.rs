//! Many sessions of one user: each has a token of its own for as long as it lasts.

use super::{RUN, files, machine_with, sh, uid};
use machine::tell;
use std::collections::BTreeSet;
use std::time::Duration;

/// Begins sessions at once that end when the gate is closed, and says how many have begun.
const AT_ONCE: &str = "cd /run; mkfifo gate up; chmod 666 up
    exec 4<>gate
    for n in $(seq $1); do
        su alice -c 'echo $BEARER_TOKEN_FILE >/run/up; exec cat' <gate 4>&- &
    done
    exec 5<>up
    head -n $1 <&5 | sort >/root/paths
    find /run/pam-jwt/[0-9]* -type f | sort >/root/files
    ls /run/pam-jwt/sessions | wc -l >/root/records
    su alice -c 'cat $(cat)' </root/paths >/root/tokens
    exec 4>&-
    wait";

#[test]
fn two_hundred_sessions_at_once_have_a_token_each_and_leave_none() {
    let machine = machine_with("");
    let at_once = machine.command(["bash", "-c", AT_ONCE, "bash", "200"]);
    let _ = at_once
        .time_limit(Duration::from_secs(120))
        .run()
        .expect_success();
    let paths = machine.read("/root/paths");
    let all: BTreeSet<&str> = paths.lines().collect();
    let below = format!("{RUN}/{}/", uid(&machine, "alice"));
    assert!(all.iter().all(|path| path.starts_with(&below)), "{paths}");
    assert_eq!(all.len(), 200);
    assert_eq!(paths, machine.read("/root/files"));
    assert_eq!(machine.read("/root/records").trim(), "200");
    let tokens = machine.read("/root/tokens").matches("eyJ").count();
    assert!(tokens >= 200, "{tokens}");
    assert_eq!(files(&machine, RUN), [""; 0]);
    let failed = machine.log();
    let failed = failed
        .iter()
        .filter(|line| line.message.contains("issue_failed"))
        .count();
    assert_eq!(failed, 0);
    tell("200 sessions of one user at once: 200 files, none at the end");
}

/// The directory comes and goes with the first and the last session, and meanwhile others
/// begin.
#[test]
fn sessions_that_begin_and_end_all_the_time_take_nothing_from_each_other() {
    let machine = machine_with("");
    let churn = "for loop in 1 2; do
            for n in $(seq 250); do su alice -c 'test -s $BEARER_TOKEN_FILE' || echo none; done &
        done
        wait";
    let churn = machine.command(["bash", "-c", churn]);
    let churn = churn
        .time_limit(Duration::from_secs(120))
        .run()
        .expect_success();
    let failed: Vec<String> = machine
        .log()
        .iter()
        .map(|line| line.message.clone())
        .filter(|line| line.contains("issue_failed"))
        .collect();
    assert_eq!((churn.stdout.as_str(), failed), ("", vec![]));
    assert_eq!(files(&machine, RUN), [""; 0]);
    assert_eq!(sh(&machine, &format!("ls {RUN}")), "sessions");
}

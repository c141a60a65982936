//! The monitor, and a network process that was taken over.

use super::STACK;
use super::server::{installed, processes, start, taken_over};
use machine::wait_until;

#[test]
fn the_network_process_is_nobody_and_gets_its_settings_from_the_monitor() {
    let machine = installed();
    let _server = start(&machine, "");
    let network = processes(&machine, "network-process").concat();
    let script = format!(
        "grep -E '^(Uid|Gid|Groups):' /proc/{network}/status | tr -s '\\t ' ' '
         ls /proc/{network}/fd/0 -l | sed 's/.*-> //'
         id -u pam-jwt-authserver; id -g pam-jwt-authserver"
    );
    let output = machine.run(["sh", "-ec", &script]).expect_success();
    let lines: Vec<&str> = output.stdout.lines().map(str::trim_end).collect();
    let [uids, gids, groups, stdin, uid, gid] = lines[..] else {
        panic!("{output}");
    };
    assert_eq!(uids, format!("Uid: {uid} {uid} {uid} {uid}"));
    assert_eq!(gids, format!("Gid: {gid} {gid} {gid} {gid}"));
    assert_eq!((groups, stdin), ("Groups:", "/dev/null"));
    assert_ne!(uid, "0");
    let settings = taken_over(&machine, "settings");
    assert_eq!(settings.stdout, "/etc/pam-jwt/authserver.toml 1\n");
}

/// seccomp and Landlock bind the thread that asks for them, and those that it starts: none was
/// started before.
#[test]
fn every_thread_of_the_network_process_is_confined() {
    let machine = installed();
    let _server = start(&machine, "");
    let network = processes(&machine, "network-process").concat();
    let script = format!(
        "cd /proc/{network}/task && ls | wc -l
         grep -hE '^(NoNewPrivs|Seccomp|Seccomp_filters):' */status | sort | uniq -c |
         tr -s '\\t ' ' '"
    );
    let output = machine.run(["sh", "-ec", &script]).expect_success();
    let lines: Vec<&str> = output.stdout.lines().map(str::trim).collect();
    let [threads, confined @ ..] = &lines[..] else {
        panic!("{output}");
    };
    assert!(threads.parse::<usize>().is_ok_and(|threads| threads > 2));
    let all = |field: &str| format!("{threads} {field}");
    assert_eq!(
        confined,
        ["NoNewPrivs: 1", "Seccomp: 2", "Seccomp_filters: 2"].map(all)
    );
}

#[test]
fn a_conversation_has_nothing_that_the_monitor_was_given() {
    let machine = installed();
    let _server = start(&machine, "");
    assert_eq!(
        taken_over(&machine, "peek").stdout,
        "['0', '1', '2', '3']\n"
    );
}

#[test]
fn settings_that_are_wrong_are_not_taken_and_say_so() {
    let machine = installed();
    let server = start(&machine, "");
    machine.append("/etc/pam-jwt/authserver.toml", "nonsense = 1\n");
    let script = "! /usr/local/bin/taken-over settings 2>/dev/null";
    let _ = machine.run(["sh", "-c", script]).expect_success();
    wait_until("it is said", || {
        server.log().contains("the settings are not taken")
    });
    assert!(server.runs());
}

#[test]
fn no_nonsense_and_no_flood_ends_the_monitor() {
    let machine = installed();
    let server = start(&machine, "[accounts]\nmax_conversations = 5\n");
    for what in ["nonsense", "flood", "nonsense"] {
        let output = taken_over(&machine, what);
        assert_eq!(output.stdout, "/etc/pam-jwt/authserver.toml 1\n");
    }
    assert!(server.runs());
    let journal = server.log();
    // Said, and not as often as it happened.
    let said = journal.matches("was it taken over?").count();
    assert_eq!(said, 1, "{journal}");
    assert!(journal.lines().count() < 2000, "{journal}");
    wait_until("no conversation is left", || {
        processes(&machine, "conversation").is_empty()
    });
}

#[test]
fn answers_that_nobody_reads_hold_nothing_up() {
    // More than a socket takes, less than a file may have.
    let comment = format!("#{}\n", "x".repeat(1000)).repeat(1000);
    let machine = installed();
    let _server = start(&machine, &comment);
    let output = taken_over(&machine, "unread");
    assert_eq!(output.stdout, "Password:  4\n");
}

#[test]
fn there_are_no_more_conversations_than_there_may_be() {
    let machine = installed();
    let server = start(&machine, "[accounts]\nmax_conversations = 5\n");
    let output = taken_over(&machine, "many");
    assert_eq!(
        output.stdout,
        "[True, True, True, True, True, False, False]\nhidden\n"
    );
    assert!(
        server.log().contains("as many conversations"),
        "{}",
        server.log()
    );
}

#[test]
fn the_monitor_ends_a_conversation_that_does_not_end_by_itself() {
    let machine = installed();
    let server = start(&machine, "[accounts]\nconversation_timeout = \"1s\"\n");
    let stack = "auth required pam_exec.so /bin/sleep 1000\naccount required pam_permit.so\n";
    machine.write(STACK, stack, 0o644);
    assert_eq!(taken_over(&machine, "hang").stdout, "b''\n");
    assert!(server.log().contains("over its time"), "{}", server.log());
}

#[test]
fn the_end_of_the_network_process_is_the_end_of_all() {
    let machine = installed();
    let server = start(&machine, "");
    let output = taken_over(&machine, "hold");
    assert_eq!(output.stdout, "hidden\nb''\n");
    assert_eq!(server.ended(), 128 + 9);
    assert!(processes(&machine, "").is_empty(), "{}", server.log());
    assert!(
        server
            .log()
            .contains("the network process has ended: signal: 9")
    );
}

#[test]
fn the_end_of_the_monitor_is_the_end_of_the_network_process() {
    let machine = installed();
    let server = start(&machine, "");
    server.signal("KILL");
    wait_until("all of it has ended", || processes(&machine, "").is_empty());
}

#[test]
fn signals_are_for_the_network_process() {
    let machine = installed();
    for signal in ["TERM", "INT"] {
        let server = start(&machine, "");
        server.signal(signal);
        assert_eq!(server.ended(), 0);
        assert!(processes(&machine, "").is_empty(), "{}", server.log());
    }
}

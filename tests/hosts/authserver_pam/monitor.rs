//! The monitor, and a network process that was taken over.

use super::STACK;
use super::server::Server;
use machine::wait_until;

#[test]
fn the_network_process_is_nobody_and_gets_its_settings_from_the_monitor() {
    let server = Server::start("");
    let network = server.processes("network-process").concat();
    let script = format!(
        "grep -E '^(Uid|Gid|Groups):' /proc/{network}/status | tr -s '\\t ' ' '
         ls /proc/{network}/fd/0 -l | sed 's/.*-> //'
         id -u pam-jwt-authserver; id -g pam-jwt-authserver"
    );
    let output = server.machine.run(["sh", "-ec", &script]).expect_success();
    let lines: Vec<&str> = output.stdout.lines().map(str::trim_end).collect();
    let [uids, gids, groups, stdin, uid, gid] = lines[..] else {
        panic!("{output}");
    };
    assert_eq!(uids, format!("Uid: {uid} {uid} {uid} {uid}"));
    assert_eq!(gids, format!("Gid: {gid} {gid} {gid} {gid}"));
    assert_eq!((groups, stdin), ("Groups:", "/dev/null"));
    assert_ne!(uid, "0");
    let settings = server.taken_over("settings");
    assert_eq!(settings.stdout, "/etc/pam-jwt/authserver.toml 1\n");
}

/// seccomp and Landlock bind the thread that asks for them, and those that it starts: none was
/// started before.
#[test]
fn every_thread_of_the_network_process_is_confined() {
    let server = Server::start("");
    let network = server.processes("network-process").concat();
    let script = format!(
        "cd /proc/{network}/task && ls | wc -l
         grep -hE '^(NoNewPrivs|Seccomp|Seccomp_filters):' */status | sort | uniq -c |
         tr -s '\\t ' ' '"
    );
    let output = server.machine.run(["sh", "-ec", &script]).expect_success();
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
    let server = Server::start("");
    assert_eq!(server.taken_over("peek").stdout, "['0', '1', '2', '3']\n");
}

#[test]
fn settings_that_are_wrong_are_not_taken_and_say_so() {
    let mut server = Server::start("");
    server
        .machine
        .append("/etc/pam-jwt/authserver.toml", "nonsense = 1\n");
    let script = "! /usr/local/bin/taken-over settings 2>/dev/null";
    let _ = server.machine.run(["sh", "-c", script]).expect_success();
    wait_until("it is said", || {
        server.journal().contains("the settings are not taken")
    });
    assert!(server.runs());
}

#[test]
fn no_nonsense_and_no_flood_ends_the_monitor() {
    let mut server = Server::start("[accounts]\nmax_conversations = 5\n");
    for what in ["nonsense", "flood", "nonsense"] {
        let output = server.taken_over(what);
        assert_eq!(output.stdout, "/etc/pam-jwt/authserver.toml 1\n");
    }
    assert!(server.runs());
    let journal = server.journal();
    // Said, and not as often as it happened.
    let said = journal.matches("was it taken over?").count();
    assert_eq!(said, 1, "{journal}");
    assert!(journal.lines().count() < 2000, "{journal}");
    wait_until("no conversation is left", || {
        server.processes("conversation").is_empty()
    });
}

#[test]
fn answers_that_nobody_reads_hold_nothing_up() {
    // More than a socket takes, less than a file may have.
    let comment = format!("#{}\n", "x".repeat(1000)).repeat(1000);
    let server = Server::start(&comment);
    let output = server.taken_over("unread");
    assert_eq!(output.stdout, "Password:  4\n");
}

#[test]
fn there_are_no_more_conversations_than_there_may_be() {
    let server = Server::start("[accounts]\nmax_conversations = 5\n");
    let output = server.taken_over("many");
    assert_eq!(
        output.stdout,
        "[True, True, True, True, True, False, False]\nhidden\n"
    );
    assert!(
        server.journal().contains("as many conversations"),
        "{}",
        server.journal()
    );
}

#[test]
fn the_monitor_ends_a_conversation_that_does_not_end_by_itself() {
    let server = Server::start("[accounts]\nconversation_timeout = \"1s\"\n");
    let stack = "auth required pam_exec.so /bin/sleep 1000\naccount required pam_permit.so\n";
    server.machine.write(STACK, stack, 0o644);
    assert_eq!(server.taken_over("hang").stdout, "b''\n");
    assert!(
        server.journal().contains("over its time"),
        "{}",
        server.journal()
    );
}

#[test]
fn the_end_of_the_network_process_is_the_end_of_all() {
    let mut server = Server::start("");
    let output = server.taken_over("hold");
    assert_eq!(output.stdout, "hidden\nb''\n");
    assert_eq!(server.ended(), Some(128 + 9));
    assert!(server.processes("").is_empty(), "{}", server.journal());
    assert!(
        server
            .journal()
            .contains("the network process has ended: signal: 9")
    );
}

#[test]
fn the_end_of_the_monitor_is_the_end_of_the_network_process() {
    let mut server = Server::start("");
    server.signal("KILL");
    assert_eq!(server.ended(), None);
    wait_until("all of it has ended", || server.processes("").is_empty());
}

#[test]
fn signals_are_for_the_network_process() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start("");
        server.signal(signal);
        // Whatever it makes of it.
        server.ended();
        assert!(server.processes("").is_empty(), "{}", server.journal());
    }
}

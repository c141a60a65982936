//! What becomes of a conversation's process, whatever is said to it.

use super::{Conversation, PASSWORD, STACK, machine, prompt};
use machine::wait_until;
use serde_json::json;
use std::io::Write;
use std::net::Shutdown;

#[test]
fn who_does_not_answer_in_time_is_told_so() {
    let machine = machine();
    let mut conversation =
        Conversation::by(&machine, "alice", &json!({ "conversation_timeout": 1 }));
    assert_eq!(conversation.asked(), [prompt("Password: ")]);
    conversation.end().expect_refused("timed_out", "alice");
}

#[test]
fn a_conversation_ends_when_the_other_side_is_gone() {
    let machine = machine();
    let mut conversation = Conversation::of(&machine, "alice");
    conversation.asked();
    conversation.socket.shutdown(Shutdown::Both).unwrap();
    let journal = conversation.journal();
    assert!(
        journal.contains("reason=no_answer account=alice"),
        "{journal}"
    );
    // Before it has begun there is nothing to say of it.
    let conversation = Conversation::start(&machine, &json!({}));
    conversation.socket.shutdown(Shutdown::Both).unwrap();
    assert_eq!(conversation.journal(), "");
}

#[test]
fn garbage_instead_of_a_start_begins_nothing() {
    let machine = machine();
    let start =
        |more: &str| format!(r#"{{"account":"alice","rhost":"192.0.2.7","purpose":"page"{more}}}"#);
    let framed = |text: &str| {
        [
            &u32::try_from(text.len()).unwrap().to_be_bytes(),
            text.as_bytes(),
        ]
        .concat()
    };
    for garbage in [
        b"\xff\xff\xff\xff".to_vec(),
        b"\0\x01\0\x01".to_vec(),
        framed("{}"),
        framed("alice"),
        framed(&start(r#","uid":0"#)),
        framed(&start("").replace("192.0.2.7", "host.example")),
        framed(&start("").replace("page", "root")),
        framed(&start("")[..20]),
    ] {
        let mut conversation = Conversation::start(&machine, &json!({}));
        conversation.socket.write_all(&garbage).unwrap();
        conversation.socket.shutdown(Shutdown::Write).unwrap();
        assert_eq!(conversation.hear(), None);
        let journal = conversation.journal();
        assert!(
            journal.starts_with("<3>a conversation with PAM has failed: "),
            "{journal}"
        );
        assert!(!journal.contains("result="), "{journal}");
    }
}

#[test]
fn garbage_instead_of_an_answer_is_no_answer() {
    let machine = machine();
    for garbage in [
        json!({ "answers": [PASSWORD, PASSWORD] }),
        json!({ "answers": [] }),
        json!({ "answers": [1] }),
        json!({ "answers": PASSWORD }),
        json!([PASSWORD]),
        json!({ "answers": [PASSWORD], "outcome": "granted" }),
        json!({ "answers": [format!("{PASSWORD}\0")] }),
    ] {
        let mut conversation = Conversation::of(&machine, "alice");
        conversation.asked();
        conversation.say(&garbage);
        let journal = conversation.journal();
        assert!(
            journal.contains("result=refused reason="),
            "{garbage}: {journal}"
        );
        assert!(!journal.contains(PASSWORD), "{garbage}: {journal}");
    }
}

#[test]
fn a_module_that_hangs_is_ended_by_the_kernel() {
    let machine = machine();
    let stack = "auth required pam_exec.so /bin/sleep 1000\naccount required pam_permit.so\n";
    machine.write(STACK, stack, 0o644);
    let mut conversation =
        Conversation::by(&machine, "alice", &json!({ "conversation_timeout": 1 }));
    machine.wait_until("pgrep -x sleep");
    wait_until("the process ends", || conversation.has_ended());
    assert_eq!(conversation.hear(), None);
}

#[test]
fn nothing_of_the_process_is_for_others_to_see() {
    let machine = machine();
    let mut conversation = Conversation::of(&machine, "alice");
    conversation.asked();
    let script = "pid=$(pgrep -x pam-jwt-authser)
        grep -q '^Max core file size *0 *0 ' /proc/$pid/limits
        # stdin is not the socket, which modules would pass on to what they start.
        [ $(readlink /proc/$pid/fd/0) = /dev/null ]
        readlink /proc/$pid/fd/* | grep -c '^socket:'
        ls /proc/$pid/fd | wc -l";
    let output = machine.run(["sh", "-ec", script]).expect_success();
    // The socket, and the three standard ones.
    assert_eq!(output.stdout, "1\n4\n", "{output}");
    let script = "cat /proc/$(pgrep -x pam-jwt-authser)/environ";
    let output = machine.run(["sh", "-ec", script]).expect_success();
    assert_eq!(output.stdout, "", "{output}");
}

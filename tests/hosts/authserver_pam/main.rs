//! Logins to the authorization server: its own processes, in a throwaway machine, with the PAM
//! of Debian. A test speaks with a conversation's process as the network process does, or with
//! the monitor as one that was taken over.

mod fate;
mod guesses;
mod logins;
mod monitor;
mod server;
mod stacks;
mod standing;

use machine::Machine;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where the stack is.
const STACK: &str = "/etc/pam.d/pam-jwt-authserver";

/// A password that pam_unix takes.
const PASSWORD: &str = "correct horse battery";

/// The program, as `make build` has made it.
fn program() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../target").into());
    PathBuf::from(target).join("release/pam-jwt-authserver")
}

/// A machine with the stack as it is shipped, and alice, whose password it is.
fn machine() -> Machine {
    let machine = Machine::boot();
    let stack = include_str!("../../../conf/pam.d/authserver");
    machine.write(STACK, stack, 0o644);
    machine.account("alice");
    machine.password("alice", PASSWORD);
    machine
}

/// The rules of the settings that nobody has changed, with changes.
fn rules(changes: &Value) -> Value {
    let mut rules = json!({
        "service": "pam-jwt-authserver", "min_uid": 1000, "allow_root": false, "groups": [],
        "amr": ["pwd"], "max_conversations": 64, "conversation_timeout": 300,
    });
    for (name, value) in changes.as_object().expect("an object") {
        rules[name] = value.clone();
    }
    rules
}

/// A conversation with PAM.
struct Conversation {
    process: Child,
    socket: UnixStream,
}

/// What came of one.
#[derive(Debug)]
struct Ended {
    /// As it was told.
    outcome: Value,
    /// The texts behind the last answer.
    texts: Vec<Value>,
    /// What the process has said to the journal.
    journal: String,
}

impl Conversation {
    /// Starts the process, by these changes of the rules.
    fn start(machine: &Machine, changes: &Value) -> Self {
        let (socket, theirs) = UnixStream::pair().unwrap();
        let mut command = Command::new(program());
        command
            .args(["conversation", &rules(changes).to_string()])
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .env_clear();
        let process = machine
            .inside(|| command.spawn())
            .expect("the program: `make build`");
        socket
            .set_read_timeout(Some(Duration::from_secs(120)))
            .unwrap();
        Self { process, socket }
    }

    /// Starts one for an account.
    fn of(machine: &Machine, account: &str) -> Self {
        Self::by(machine, account, &json!({}))
    }

    /// Starts one for an account, by these changes of the rules.
    fn by(machine: &Machine, account: &str, changes: &Value) -> Self {
        let mut conversation = Self::start(machine, changes);
        conversation.say(&json!({
            "account": account, "rhost": "192.0.2.7", "purpose": "page",
        }));
        conversation
    }

    fn say(&mut self, message: &Value) {
        let text = message.to_string();
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        self.socket
            .write_all(&[&length, text.as_bytes()].concat())
            .unwrap();
    }

    /// The next report, unless it has ended.
    fn hear(&mut self) -> Option<Value> {
        let mut length = [0; 4];
        match self.socket.read_exact(&mut length) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return None,
            Err(error) => panic!("no report: {error}"),
        }
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap();
        let mut text = vec![0; length];
        self.socket.read_exact(&mut text).unwrap();
        Some(serde_json::from_slice(&text).unwrap())
    }

    /// The messages up to those that want answers, each its style and text.
    #[track_caller]
    fn asked(&mut self) -> Vec<(String, String)> {
        let mut shown = Vec::new();
        loop {
            let report = self.hear().expect("it goes on");
            let messages = report["messages"]
                .as_array()
                .unwrap_or_else(|| panic!("after {shown:?} came {report}"));
            let text = |value: &Value| value.as_str().expect("a text").to_owned();
            shown.extend(
                messages
                    .iter()
                    .map(|message| (text(&message["style"]), text(&message["text"]))),
            );
            let is_prompt = |(style, _): &(String, String)| style == "hidden" || style == "visible";
            if shown.iter().any(is_prompt) {
                return shown;
            }
        }
    }

    /// Answers the prompts.
    fn answer<const N: usize>(&mut self, answers: [&str; N]) {
        self.say(&json!({ "answers": answers.to_vec() }));
    }

    /// What it comes to.
    #[track_caller]
    fn end(mut self) -> Ended {
        let mut texts = Vec::new();
        let outcome = loop {
            let report = self.hear().expect("an outcome");
            match report.get("messages") {
                Some(messages) => texts.extend(messages.as_array().unwrap().iter().cloned()),
                None => break report["outcome"].clone(),
            }
        };
        Ended {
            outcome,
            texts,
            journal: self.journal(),
        }
    }

    /// What it has said when it has ended.
    fn journal(mut self) -> String {
        let mut journal = String::new();
        let stderr = self.process.stderr.as_mut().expect("piped");
        stderr.read_to_string(&mut journal).unwrap();
        self.process.wait().unwrap();
        journal
    }

    /// Whether the process comes to its end.
    fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Ended {
    /// Whether it was refused with this reason, and the journal says so of this account.
    #[track_caller]
    fn expect_refused(&self, reason: &str, account: &str) {
        assert_eq!(self.outcome["refused"], reason, "{self:?}");
        let line = format!(
            "<5>login: result=refused reason={reason} account={account} \
             service=pam-jwt-authserver rhost=192.0.2.7\n"
        );
        assert!(self.journal.ends_with(&line), "{self:?}");
    }

    /// Who was let in.
    #[track_caller]
    fn expect_granted(&self) -> &Value {
        let granted = &self.outcome["granted"];
        assert!(granted.is_object(), "{self:?}");
        granted
    }

    /// Whether a text of this style that contains `text` was shown.
    fn shows(&self, style: &str, text: &str) -> bool {
        let shown = |message: &Value| {
            message["style"] == style
                && message["text"].as_str().is_some_and(|it| it.contains(text))
        };
        self.texts.iter().any(shown)
    }
}

/// A login with one password.
fn login(machine: &Machine, account: &str, password: &str) -> Ended {
    login_by(machine, account, password, &json!({}))
}

/// The same by these changes of the rules.
fn login_by(machine: &Machine, account: &str, password: &str, changes: &Value) -> Ended {
    let mut conversation = Conversation::by(machine, account, changes);
    assert_eq!(conversation.asked(), [prompt("Password: ")]);
    conversation.answer([password]);
    conversation.end()
}

/// A prompt whose answer is hidden.
fn prompt(text: &str) -> (String, String) {
    ("hidden".to_owned(), text.to_owned())
}

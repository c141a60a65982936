//! One login, phase by phase: `pam-host --steps SERVICE USER [CONFDIR] < steps`.
//!
//! Each line of standard input is a step, which is done before the next one is read, so that
//! whoever types them can look at what a phase has left:
//!
//!     authenticate ANSWER        and, without an answer: acct_mgmt, setcred, reinitialize,
//!                                open_session, close_session, delete_cred
//!     child SERVICE USER ANSWER  authenticates in a process of its own, which then is gone,
//!                                and goes on with the environment that it had, as sshd does
//!     tty NAME, ruser NAME       sets the item
//!     putenv NAME=VALUE          sets a variable; without `=` takes it out
//!     environment                prints the variables
//!
//! The output is a line for each event, and then `done`.

use pam::{Code, Conversation, Flags, Style, Transaction};
use std::cell::RefCell;
use std::ffi::OsStr;
use std::io::{BufRead, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;

/// The answer to every prompt; what is shown is printed.
struct Answer(Rc<RefCell<String>>);

impl Conversation for Answer {
    fn answer(&mut self, style: Style, text: &str) -> Result<Option<Vec<u8>>, Code> {
        match style {
            Style::PromptEchoOff | Style::PromptEchoOn => {
                Ok(Some(self.0.borrow().clone().into_bytes()))
            }
            Style::ErrorMsg | Style::TextInfo => {
                println!("says {text}");
                Ok(None)
            }
        }
    }
}

/// Takes the steps.
pub fn run(args: &[String]) {
    let [service, user, confdir @ ..] = args else {
        panic!("usage: pam-host --steps SERVICE USER [CONFDIR] < steps");
    };
    let answer = Rc::new(RefCell::new(String::new()));
    let conversation = Box::new(Answer(Rc::clone(&answer)));
    let path = confdir.first().map(Path::new);
    let mut pam = Transaction::start(service, Some(user), path, conversation).expect("pam_start");
    pam.set_rhost("127.0.0.1").expect("PAM_RHOST");
    pam.without_fail_delay().expect("PAM_FAIL_DELAY");
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("UTF-8");
        let (step, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let result = match step {
            "authenticate" => {
                rest.clone_into(&mut answer.borrow_mut());
                pam.authenticate(Flags::NONE)
            }
            "acct_mgmt" => pam.acct_mgmt(Flags::NONE),
            "setcred" => pam.setcred(Flags::ESTABLISH_CRED),
            "reinitialize" => pam.setcred(Flags::REINITIALIZE_CRED),
            "open_session" => pam.open_session(Flags::NONE),
            "close_session" => pam.close_session(Flags::NONE),
            "delete_cred" => pam.setcred(Flags::DELETE_CRED),
            "tty" => pam.set_tty(rest),
            "ruser" => pam.set_ruser(rest),
            "putenv" => pam.put_environment(OsStr::new(rest)),
            "child" => child(&mut pam, rest, confdir),
            "environment" => {
                environment(&pam).iter().for_each(|line| println!("{line}"));
                Ok(())
            }
            other => panic!("no step: {other:?}"),
        };
        let code = result.err().unwrap_or(Code::Success);
        println!("{step} {}\ndone", code.name());
        std::io::stdout().flush().expect("standard output");
    }
}

fn environment(pam: &Transaction) -> Vec<String> {
    let all = pam.environment().expect("pam_getenvlist");
    let line = |(name, value): &(_, _)| {
        let text = |text: &std::ffi::OsString| text.to_string_lossy().into_owned();
        format!("env {}={}", text(name), text(value))
    };
    all.iter().map(line).collect()
}

/// `pam_authenticate` in another process, of which nothing is left but its environment.
fn child(pam: &mut Transaction, rest: &str, confdir: &[String]) -> Result<(), Code> {
    let mut words = rest.splitn(3, ' ');
    let (Some(service), Some(user), Some(answer)) = (words.next(), words.next(), words.next())
    else {
        panic!("child SERVICE USER ANSWER");
    };
    let mut child = Command::new("/proc/self/exe")
        .args(["--steps", service, user])
        .args(confdir)
        // Of its own time of day, which whoever started this program may have set for it.
        .env_remove("FAKETIME")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("/proc/self/exe");
    let mut stdin = child.stdin.take().expect("piped");
    write!(stdin, "authenticate {answer}\nenvironment\n").expect("its input");
    drop(stdin);
    let output = child.wait_with_output().expect("its end");
    let mut result = Err(Code::AuthErr);
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        match line.split_once(' ') {
            Some(("authenticate", "PAM_SUCCESS")) => result = Ok(()),
            Some(("env", assignment)) => pam.put_environment(OsStr::new(assignment))?,
            Some(("says", words)) => println!("says {words}"),
            _ => {}
        }
    }
    result
}

//! `pam-host`: a host program for tests. It takes one login through libpam and
//! prints what happened, one line an event.
//!
//!     pam-host SERVICE USER [CONFDIR] < answers
//!
//! Standard input has the answers to the prompts, one a line; after the last one
//! the answer is empty. In a line, `\n` is a newline, `\0` a NUL, and `\\` a backslash;
//! the line `\c` is no answer: the user gave up.
//! `pam-host --then USER CONFDIR …` goes on with a login of USER in the same
//! process, to which the last line belongs. `pam-host --silent …` passes PAM_SILENT.
//! `pam-host --repeat N …` does the whole
//! login N times, checks at the end that no descriptor was left and no memory grew,
//! and prints the counts instead. `pam-host --batch SERVICE` takes many logins
//! (batch.rs), and `pam-host --steps SERVICE USER [CONFDIR]` takes one phase by phase
//! (steps.rs).
#![forbid(unsafe_code)]

mod batch;
mod steps;

use pam::{Code, Conversation, Flags, Style, Transaction};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// What was seen, one line an event.
type Events = Rc<RefCell<Vec<String>>>;

/// To a prompt; none where the user gives up.
type Answer = Option<String>;

struct Script {
    answers: std::vec::IntoIter<Answer>,
    events: Events,
}

impl Conversation for Script {
    fn answer(&mut self, style: Style, text: &str) -> Result<Option<Vec<u8>>, Code> {
        let name = match style {
            Style::PromptEchoOff => "echo_off",
            Style::PromptEchoOn => "echo_on",
            Style::ErrorMsg => "error",
            Style::TextInfo => "info",
        };
        self.events.borrow_mut().push(format!("{name} {text}"));
        let is_prompt = matches!(style, Style::PromptEchoOff | Style::PromptEchoOn);
        let next = is_prompt.then(|| self.answers.next()).flatten();
        let answer = next.unwrap_or(Some(String::new())).ok_or(Code::ConvErr)?;
        // What a host program hands over is a C string: it ends at a NUL.
        let answer = answer.split('\0').next().unwrap_or_default();
        Ok(is_prompt.then(|| answer.into()))
    }
}

struct Login {
    service: String,
    user: String,
    confdir: Option<PathBuf>,
    answers: Vec<Answer>,
    flags: Flags,
}

impl Login {
    /// From pam_start to pam_end.
    fn run(&self) -> Vec<String> {
        let events = Events::default();
        let script = Script {
            answers: self.answers.clone().into_iter(),
            events: Rc::clone(&events),
        };
        let confdir = self.confdir.as_deref();
        let mut pam =
            Transaction::start(&self.service, Some(&self.user), confdir, Box::new(script))
                .expect("pam_start");
        pam.set_rhost("127.0.0.1").expect("PAM_RHOST");
        pam.without_fail_delay().expect("PAM_FAIL_DELAY");
        let note = |phase: &str, result: Result<(), Code>| {
            let code = result.err().unwrap_or(Code::Success);
            events.borrow_mut().push(format!("{phase} {}", code.name()));
            result.is_ok()
        };
        if note("authenticate", pam.authenticate(self.flags)) {
            note("acct_mgmt", pam.acct_mgmt(Flags::NONE));
            note("setcred", pam.setcred(Flags::ESTABLISH_CRED));
            note("open_session", pam.open_session(Flags::NONE));
            note("close_session", pam.close_session(Flags::NONE));
            note("delete_cred", pam.setcred(Flags::DELETE_CRED));
        }
        drop(pam);
        events.take()
    }
}

fn main() {
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if_eq("--batch").is_some() {
        return batch::run(&args.next().expect("--batch takes a service"));
    }
    if args.next_if_eq("--steps").is_some() {
        return steps::run(&args.collect::<Vec<_>>());
    }
    let repeat = args.next_if_eq("--repeat").map(|_| {
        args.next()
            .and_then(|count| count.parse::<usize>().ok())
            .expect("--repeat takes a number")
    });
    let then = args.next_if_eq("--then").map(|_| {
        let (user, confdir) = (args.next(), args.next().map(PathBuf::from));
        (user.expect("--then USER CONFDIR"), confdir)
    });
    let silent = args.next_if_eq("--silent").map(|_| Flags::SILENT);
    let flags = silent.unwrap_or_default();
    let (Some(service), Some(user), confdir) = (args.next(), args.next(), args.next()) else {
        panic!(
            "usage: pam-host [--repeat N] [--then USER CONFDIR] [--silent] SERVICE USER [CONFDIR] \
             < answers"
        );
    };
    let mut answers: Vec<Answer> = std::io::stdin()
        .lock()
        .lines()
        .map(|line| line.expect("UTF-8"))
        .map(|line| (line != r"\c").then(|| unescaped(&line)))
        .collect();
    let then = then.map(|(user, confdir)| Login {
        service: service.clone(),
        user,
        confdir,
        answers: answers.pop().into_iter().collect(),
        flags,
    });
    let login = Login {
        service,
        user,
        confdir: confdir.map(PathBuf::from),
        answers,
        flags,
    };
    match repeat {
        None => {
            for login in std::iter::once(&login).chain(&then) {
                login.run().iter().for_each(|event| println!("{event}"));
            }
        }
        Some(count) => repeated(&login, count),
    }
}

/// A line of standard input as the answer that it stands for.
fn unescaped(line: &str) -> String {
    let mut answer = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(next) = chars.next() {
        answer.push(match next {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('0') => '\0',
                Some('\\') => '\\',
                other => panic!("\\ before {other:?} in an answer"),
            },
            plain => plain,
        });
    }
    answer
}

/// Does the login `count` times and compares the process at a tenth of the way,
/// when everything that is made once has been made, with the end.
fn repeated(login: &Login, count: usize) {
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let mut early = (0, 0);
    for done in 1..=count {
        let outcome = login
            .run()
            .into_iter()
            .find(|event| event.starts_with("authenticate"));
        *outcomes.entry(outcome.expect("an outcome")).or_default() += 1;
        if done == count.div_ceil(10) {
            early = (descriptors(), resident_kib());
        }
    }
    let late = (descriptors(), resident_kib());
    for (outcome, times) in outcomes {
        println!("{times} {outcome}");
    }
    println!("descriptors {} {}", early.0, late.0);
    println!("resident_kib {} {}", early.1, late.1);
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc").count()
}

fn resident_kib() -> usize {
    let status = std::fs::read_to_string(Path::new("/proc/self/status")).expect("/proc");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("VmRSS");
    line.trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number")
}

//! Modules in a real libpam: each test writes a service of its own into a private confdir, whose
//! lines are the steps of `examples/probe.rs`, and compares what the user was told.
//!
//! `cargo test` builds the modules. With `--test modules` alone they stay as they were: run
//! `cargo build --examples` first.

#![expect(clippy::unwrap_used, reason = "in a test it is an assertion")]

use std::cell::RefCell;
use std::ffi::c_int;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::rc::Rc;
use std::time::{Duration, Instant};

use pam::{Code, Conversation, Flags, Style, Transaction};

/// One user at one service.
struct Login {
    pam: Transaction,
    heard: Rc<RefCell<Vec<String>>>,
}

impl Login {
    /// Begins a login as alice.
    fn start(service: &str, lines: &[&str], answers: &[Option<&str>]) -> Self {
        Self::start_as(Some("alice"), service, lines, answers)
    }

    fn start_as(
        user: Option<&str>,
        service: &str,
        lines: &[&str],
        answers: &[Option<&str>],
    ) -> Self {
        let confdir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(service);
        fs::create_dir_all(&confdir).unwrap();
        let module = |name: &str| {
            let exe = std::env::current_exe().unwrap();
            let path = exe
                .ancestors()
                .nth(2)
                .unwrap()
                .join(format!("examples/lib{name}.so"));
            assert!(
                path.exists(),
                "{path:?} is built by `cargo build --examples`"
            );
            path.display().to_string()
        };
        let text = lines.join("\n") + "\n";
        let text = text.replace("PROBE", &module("probe"));
        fs::write(
            confdir.join(service),
            text.replace("PANICKING", &module("panicking")),
        )
        .unwrap();

        let heard = Rc::new(RefCell::new(Vec::new()));
        let mut answers: Vec<_> = answers
            .iter()
            .map(|answer| answer.map(|text| text.as_bytes().to_vec()))
            .collect();
        answers.reverse();
        let user_at_terminal = User {
            heard: Rc::clone(&heard),
            answers,
        };
        let pam =
            Transaction::start(service, user, Some(&confdir), Box::new(user_at_terminal)).unwrap();
        Self { pam, heard }
    }

    /// What the user was told since the last time.
    fn heard(&self) -> Vec<String> {
        self.heard.take()
    }
}

struct User {
    heard: Rc<RefCell<Vec<String>>>,
    answers: Vec<Option<Vec<u8>>>,
}

impl Conversation for User {
    fn answer(&mut self, style: Style, text: &str) -> Result<Option<Vec<u8>>, Code> {
        self.heard.borrow_mut().push(format!("{style:?}: {text}"));
        match style {
            Style::TextInfo | Style::ErrorMsg => Ok(None),
            Style::PromptEchoOff | Style::PromptEchoOn => self.answers.pop().ok_or(Code::ConvErr),
        }
    }
}

#[test]
fn items_are_what_the_application_set() {
    let mut login = Login::start("items", &["auth required PROBE items"; 2], &[]);
    login.pam.authenticate(Flags::NONE).unwrap();
    assert_eq!(
        login.heard(),
        ["TextInfo: alice Some(\"items\") None None"; 2]
    );

    login.pam.set_rhost("192.0.2.7").unwrap();
    login.pam.set_tty("/dev/pts/3").unwrap();
    login.pam.set_ruser("bob").unwrap();
    login.pam.authenticate(Flags::NONE).unwrap();
    let line = "TextInfo: alice Some(\"items\") Some(\"192.0.2.7\") Some(\"/dev/pts/3\")";
    assert_eq!(login.heard(), [line; 2]);
}

#[test]
fn user_is_asked_for_where_the_application_did_not_say() {
    let line = ["auth required PROBE items"];
    let login = |name| {
        let mut login = Login::start_as(None, "user", &line, &[name]);
        (login.pam.authenticate(Flags::NONE), login.heard())
    };
    let (result, heard) = login(Some("carol"));
    assert_eq!(result, Ok(()));
    assert_eq!(
        heard,
        [
            "PromptEchoOn: login:",
            "TextInfo: carol Some(\"user\") None None"
        ]
    );
    assert_eq!(login(None).0, Err(Code::ConvErr));
}

#[test]
fn prompt_gets_the_answer_of_any_length() {
    let long = "e".repeat(60_000);
    for answer in ["hunter2", "", &long] {
        let mut login = Login::start("prompt", &["auth required PROBE prompt"], &[Some(answer)]);
        login
            .pam
            .authenticate(Flags::DISALLOW_NULL_AUTHTOK)
            .unwrap();
        let told = format!("TextInfo: answer {answer}");
        assert_eq!(login.heard(), ["PromptEchoOff: Token: ", &told]);
    }
}

#[test]
fn prompt_without_an_answer_is_an_error() {
    // NULL in place of an answer, one that C cannot hold, and a user who went away.
    for answers in [&[None][..], &[Some("a\0b")], &[]] {
        let mut login = Login::start("no-answer", &["auth required PROBE prompt"], answers);
        assert_eq!(login.pam.authenticate(Flags::NONE), Err(Code::ConvErr));
        assert_eq!(login.heard(), ["PromptEchoOff: Token: "]);
    }
}

#[test]
fn error_is_shown_as_one() {
    let mut login = Login::start("error", &["account required PROBE error sorry"], &[]);
    login.pam.acct_mgmt(Flags::NONE).unwrap();
    assert_eq!(login.heard(), ["ErrorMsg: sorry"]);
}

#[test]
fn authtok_is_left_for_the_next_module_and_taken_from_it() {
    let lines = [
        "auth required PROBE authtok",
        "auth required PROBE set_authtok hunter2",
        "auth required PROBE authtok",
        "auth required PROBE set_authtok a\\0b",
        "auth required PROBE authtok",
        "auth required PROBE set_authtok",
        "auth required PROBE authtok",
    ];
    let mut login = Login::start("authtok", &lines, &[]);
    login.pam.authenticate(Flags::NONE).unwrap();
    assert_eq!(
        login.heard(),
        [
            "TextInfo: authtok none",
            "TextInfo: authtok hunter2",
            "ErrorMsg: PAM_AUTHTOK_ERR",
            "TextInfo: authtok hunter2",
            "TextInfo: authtok none",
        ]
    );
}

#[test]
fn data_lasts_from_one_duty_to_the_next_until_cleared() {
    let lines = [
        "auth    required PROBE data",
        "auth    required PROBE clear_data",
        "auth    required PROBE data",
        "auth    required PROBE set_data one",
        "auth    required PROBE set_data two",
        "session required PROBE data",
        "session required PROBE clear_data",
        "session required PROBE data",
        "session required PROBE set_data three",
    ];
    let mut login = Login::start("data", &lines, &[]);
    login.pam.authenticate(Flags::NONE).unwrap();
    assert_eq!(login.heard(), ["TextInfo: data None"; 2]);
    login.pam.open_session(Flags::NONE).unwrap();
    assert_eq!(
        login.heard(),
        ["TextInfo: data Some(\"two\")", "TextInfo: data None"]
    );
    login.pam.close_session(Flags::NONE).unwrap();
    assert_eq!(
        login.heard(),
        ["TextInfo: data Some(\"three\")", "TextInfo: data None"]
    );
}

#[test]
fn flags_and_codes_pass_both_ways() {
    let mut login = Login::start("flags", &["auth required PROBE error sorry"], &[]);
    let flags = Flags::REINITIALIZE_CRED | Flags::SILENT;
    login.pam.setcred(flags).unwrap();
    assert_eq!(
        login.heard(),
        [
            format!("TextInfo: setcred {flags:?}"),
            "ErrorMsg: sorry".into()
        ]
    );
    assert!(flags.contains(Flags::SILENT) && !flags.contains(Flags::DELETE_CRED));

    let mut login = Login::start("codes", &["auth required PROBE no such step"], &[]);
    assert_eq!(login.pam.authenticate(Flags::NONE), Err(Code::ServiceErr));
}

#[test]
fn environment_is_what_the_modules_put_there() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pam_env");
    fs::write(&file, "ONE=1\nTWO=a=b\n").unwrap();
    let line = format!(
        "auth required pam_env.so conffile=/dev/null readenv=1 envfile={}",
        file.display()
    );
    let mut login = Login::start("environment", &[&line], &[]);
    assert_eq!(login.pam.environment(), Ok(Vec::new()));
    login.pam.setcred(Flags::ESTABLISH_CRED).unwrap();
    let expected = [("ONE", "1"), ("TWO", "a=b")].map(|(name, value)| (name.into(), value.into()));
    assert_eq!(login.pam.environment().unwrap(), expected);
}

#[test]
fn a_variable_is_one_of_the_transaction_and_never_one_of_the_process() {
    let envfile = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("variable.pam_env");
    fs::write(&envfile, "FOUND=here\n").unwrap();
    let pam_env = format!(
        "auth required pam_env.so conffile=/dev/null readenv=1 envfile={}",
        envfile.display()
    );
    let lines = [
        &pam_env,
        "auth required PROBE variable PATH",
        "auth required PROBE variable FOUND",
    ];
    assert!(std::env::var_os("PATH").is_some());
    let mut login = Login::start("variable", &lines, &[]);
    login.pam.authenticate(Flags::NONE).unwrap();
    assert_eq!(login.heard(), ["TextInfo: None"; 2]);
    // pam_env sets its variables in this duty.
    login.pam.setcred(Flags::ESTABLISH_CRED).unwrap();
    let mut heard = login.heard();
    heard.retain(|line| !line.contains("setcred"));
    assert_eq!(heard, ["TextInfo: None", "TextInfo: Some(\"here\")"]);
}

#[test]
fn a_failure_is_delayed_unless_the_application_says_otherwise() {
    let fail = |lines: &[&str], delayed: bool| {
        let mut login = Login::start("delay", lines, &[]);
        if !delayed {
            login.pam.without_fail_delay().unwrap();
        }
        let start = Instant::now();
        assert_eq!(login.pam.authenticate(Flags::NONE), Err(Code::AuthErr));
        start.elapsed()
    };
    // libpam varies the delay by up to half.
    let delayed = fail(&["auth required PROBE fail 400"], true);
    assert!(delayed >= Duration::from_millis(200), "{delayed:?}");
    let at_once = fail(&["auth required PROBE fail 20000"], false);
    assert!(at_once < Duration::from_secs(10), "{at_once:?}");
}

#[test]
fn a_nul_in_an_argument_is_refused() {
    let nobody = User {
        heard: Rc::default(),
        answers: Vec::new(),
    };
    let start = Transaction::start("a\0b", None, None, Box::new(nobody));
    assert_eq!(start.err(), Some(Code::BufErr));
}

#[test]
fn a_service_without_a_file_does_not_start() {
    let nobody = User {
        heard: Rc::default(),
        answers: Vec::new(),
    };
    let confdir = PathBuf::from("/nonexistent");
    let start = Transaction::start("nothing", None, Some(&confdir), Box::new(nobody));
    assert_eq!(start.err(), Some(Code::Abort));
}

/// Runs one test of this file again as a host of its own, for what it leaves on fd 2. `log` is the
/// mask of `setlogmask(3)` for the lines that syslog is to copy there.
fn as_host(test: &str, log: Option<c_int>) -> Option<Output> {
    const MASK: &str = "PAM_TEST_HOST";
    if let Some(mask) = std::env::var_os(MASK) {
        if let Ok(mask) = mask.to_str().unwrap().parse() {
            // SAFETY: the name is a C string that stays.
            unsafe { libc::openlog(c"host".as_ptr(), libc::LOG_PERROR, libc::LOG_AUTHPRIV) };
            // SAFETY: it takes any number.
            unsafe { libc::setlogmask(mask) };
        }
        return None;
    }
    let mask = log.map_or("none".to_owned(), |mask| mask.to_string());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(MASK, mask)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(output)
}

fn stderr(output: &Output) -> Vec<&str> {
    str::from_utf8(&output.stderr).unwrap().lines().collect()
}

const PANICKING: [&str; 4] = [
    "auth     required PANICKING",
    "account  required PANICKING",
    "session  required PANICKING",
    "password required PANICKING",
];

fn panic_in_each_duty() {
    let mut login = Login::start("panic", &PANICKING, &[]);
    assert_eq!(login.pam.authenticate(Flags::NONE), Err(Code::Abort));
    assert_eq!(login.pam.setcred(Flags::NONE), Err(Code::Abort));
    assert_eq!(login.pam.acct_mgmt(Flags::NONE), Err(Code::PermDenied));
    assert_eq!(login.pam.open_session(Flags::NONE), Err(Code::PermDenied));
    assert_eq!(login.pam.close_session(Flags::NONE), Err(Code::SessionErr));
    assert_eq!(login.pam.chauthtok(Flags::NONE), Err(Code::Abort));
    assert_eq!(login.heard(), Vec::<String>::new());
}

#[test]
fn a_panic_is_contained_and_prints_nothing() {
    match as_host("a_panic_is_contained_and_prints_nothing", None) {
        None => panic_in_each_duty(),
        Some(output) => assert_eq!(stderr(&output), Vec::<&str>::new()),
    }
}

#[test]
fn a_panic_is_logged_by_its_place_alone() {
    let critical_alone = 1 << libc::LOG_CRIT;
    let Some(output) = as_host("a_panic_is_logged_by_its_place_alone", Some(critical_alone)) else {
        return panic_in_each_duty();
    };
    let source = include_str!("../examples/panicking.rs");
    let at = |duty: &str| {
        let line = source
            .lines()
            .position(|line| line.contains(&format!("fn {duty}(")))
            .unwrap();
        format!(
            "result=refused reason=internal_error at=src/pam/examples/panicking.rs:{}",
            line + 2
        )
    };
    let expected = [
        format!("libpanicking(panic:auth): {}", at("authenticate")),
        format!("libpanicking(panic:setcred): {}", at("setcred")),
        format!("libpanicking(panic:account): {}", at("acct_mgmt")),
        format!("libpanicking(panic:session): {}", at("open_session")),
        format!("libpanicking(panic:session): {}", at("close_session")),
        format!("libpanicking(panic:chauthtok): {}", at("chauthtok")),
    ];
    let logged: Vec<_> = stderr(&output)
        .iter()
        .map(|line| line.trim_start_matches("host: ").to_owned())
        .collect();
    assert_eq!(logged, expected);
}

#[test]
fn a_panic_of_data_as_it_is_dropped_is_contained() {
    let Some(output) = as_host("a_panic_of_data_as_it_is_dropped_is_contained", None) else {
        let mut login = Login::start("bomb", &["auth required PROBE set_bomb"; 2], &[]);
        // The second replaces the first, which panics, and pam_end drops the second.
        login.pam.authenticate(Flags::NONE).unwrap();
        return;
    };
    assert_eq!(stderr(&output), Vec::<&str>::new());
}

#[test]
fn log_writes_one_line_as_it_is() {
    let notice_alone = 1 << libc::LOG_NOTICE;
    let Some(output) = as_host("log_writes_one_line_as_it_is", Some(notice_alone)) else {
        let mut login = Login::start("log", &["auth required PROBE log [%s %n 100%]"], &[]);
        login.pam.authenticate(Flags::NONE).unwrap();
        return;
    };
    assert_eq!(stderr(&output), ["host: libprobe(log:auth): %s %n 100%"]);
}

//! pam_jwt beside pam_unix in every stack that people build of the two, through the
//! real libpam. What ought to happen says libpam itself: in a second stack, of the
//! same shape, pam_debug stands in for both modules and returns what each of them is
//! documented to return for the secret. And `pam-jwt check` knows the same stacks for
//! open that libpam opens.

use machine::{Machine, tell};
use std::fmt;

const CONTROLS: [&str; 4] = [
    "sufficient",
    "required",
    "requisite",
    "[success=1 default=ignore]",
];

const TAILS: [Option<&str>; 3] = [Some("pam_permit.so"), Some("pam_deny.so"), None];

/// A stack of the two modules, for auth and for account.
struct Stack {
    jwt_first: bool,
    jwt: &'static str,
    unix: &'static str,
    tail: Option<&'static str>,
}

impl Stack {
    fn all() -> Vec<Self> {
        let mut stacks = Vec::new();
        for jwt_first in [true, false] {
            for jwt in CONTROLS {
                for unix in CONTROLS {
                    stacks.extend(TAILS.map(|tail| Self {
                        jwt_first,
                        jwt,
                        unix,
                        tail,
                    }));
                }
            }
        }
        stacks
    }

    /// Its lines of a type, with these modules in them.
    fn of(&self, kind: &str, jwt: &str, unix: &str) -> String {
        let mut lines = vec![
            format!("{} {jwt}", self.jwt),
            format!("{} {unix}", self.unix),
        ];
        if !self.jwt_first {
            lines.reverse();
        }
        lines.extend(self.tail.map(|module| format!("required {module}")));
        lines
            .iter()
            .map(|line| format!("{kind} {line}\n"))
            .collect()
    }

    /// The file in pam.d, with these modules in it.
    fn file(&self, jwt: &str, unix: &str) -> String {
        self.of("auth", jwt, unix) + &self.of("account", jwt, unix)
    }

    /// Whether a secret that neither module takes may still get in: no line can
    /// refuse, and one behind them says yes.
    fn is_open(&self) -> bool {
        let can_refuse = |control| matches!(control, "required" | "requisite");
        self.tail == Some("pam_permit.so") && !can_refuse(self.jwt) && !can_refuse(self.unix)
    }
}

impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file("pam_jwt.so", "pam_unix.so"))
    }
}

/// What a user may type.
struct Secret {
    name: &'static str,
    text: String,
    /// Which module takes it.
    jwt_takes: bool,
    unix_takes: bool,
}

impl Secret {
    fn all(machine: &Machine) -> [Self; 5] {
        let secret = |name, text: &str, jwt_takes, unix_takes| Self {
            name,
            text: text.to_owned(),
            jwt_takes,
            unix_takes,
        };
        let wrong_token = machine.token(["alice", "--audience", "ssh://other"]);
        [
            secret("token", &machine.token(["alice"]), true, false),
            secret("wrong token", &wrong_token, false, false),
            secret("password", "correct horse", false, true),
            secret("wrong password", "wrong horse", false, false),
            secret("empty", "", false, false),
        ]
    }

    /// Stands in for pam_jwt: without a token it steps aside after auth.
    fn stand_in_for_jwt(&self) -> &'static str {
        if self.jwt_takes {
            "pam_debug.so auth=success cred=success acct=success"
        } else {
            "pam_debug.so auth=auth_err cred=ignore acct=ignore"
        }
    }

    /// Stands in for pam_unix: alice's account is a good one whatever was typed.
    fn stand_in_for_unix(&self) -> &'static str {
        if self.unix_takes {
            "pam_debug.so auth=success cred=success acct=success"
        } else {
            "pam_debug.so auth=auth_err cred=success acct=success"
        }
    }
}

/// What came of a login.
#[derive(Debug)]
struct Outcome {
    /// What authenticate, and where that succeeds acct_mgmt and setcred returned.
    codes: Vec<String>,
    prompts: usize,
}

impl Outcome {
    fn of(events: &str) -> Self {
        let events: Vec<&str> = events.split('\t').collect();
        let of = |phase: &str| {
            events.iter().find(|event| {
                event
                    .strip_prefix(phase)
                    .is_some_and(|rest| rest.starts_with(' '))
            })
        };
        let codes = ["authenticate", "acct_mgmt", "setcred"]
            .into_iter()
            .filter_map(of);
        Self {
            codes: codes.map(|code| (*code).to_owned()).collect(),
            prompts: events
                .iter()
                .filter(|event| event.starts_with("echo_off "))
                .count(),
        }
    }

    fn is_let_in(&self) -> bool {
        self.codes
            .first()
            .is_some_and(|code| code == "authenticate PAM_SUCCESS")
    }
}

/// Takes all logins as alice, in one process.
fn log_in(machine: &Machine, logins: &[(String, &str)]) -> Vec<Outcome> {
    let lines: String = logins
        .iter()
        .map(|(confdir, answer)| format!("{confdir}\talice\t{answer}\n"))
        .collect();
    let host = [env!("CARGO_BIN_EXE_pam-host"), "--batch", "sshd"];
    let output = machine.command(host).stdin(lines).run().expect_success();
    let outcomes: Vec<Outcome> = output.stdout.lines().map(Outcome::of).collect();
    assert_eq!(outcomes.len(), logins.len(), "{output}");
    outcomes
}

#[test]
fn every_mixed_stack_does_what_libpam_makes_of_the_modules_answers() {
    let machine = Machine::ready();
    machine.password("alice", "correct horse");
    let secrets = Secret::all(&machine);
    let stacks = Stack::all();

    let mut combinations = Vec::new();
    let mut logins = Vec::new();
    for (number, stack) in stacks.iter().enumerate() {
        let real = format!("/etc/pam.mixed/{number}");
        machine.write(&format!("{real}/sshd"), stack.to_string(), 0o644);
        for secret in &secrets {
            let stand_in = format!("{real}/for {}", secret.name);
            let text = stack.file(secret.stand_in_for_jwt(), secret.stand_in_for_unix());
            machine.write(&format!("{stand_in}/sshd"), text, 0o644);
            combinations.push((stack, secret));
            logins.push((real.clone(), secret.text.as_str()));
            logins.push((stand_in, ""));
        }
    }
    let outcomes = log_in(&machine, &logins);

    let (mut tokens, mut passwords, mut open) = (0, 0, 0);
    for ((stack, secret), outcomes) in combinations.iter().zip(outcomes.chunks(2)) {
        let [seen, expected] = outcomes else {
            panic!("two logins a combination");
        };
        let case = format!("{}, in the stack\n{stack}{seen:?}", secret.name);
        assert_eq!(seen.codes, expected.codes, "{case}");

        let taken = secret.jwt_takes || secret.unix_takes;
        if !taken {
            assert_eq!(seen.is_let_in(), stack.is_open(), "{case}");
        }
        // A good token is taken away, so that pam_unix may ask for a password.
        assert!(seen.prompts >= 1, "{case}");
        assert!(
            seen.prompts <= if secret.jwt_takes { 2 } else { 1 },
            "{case}"
        );
        if seen.is_let_in() {
            tokens += usize::from(secret.jwt_takes);
            passwords += usize::from(secret.unix_takes);
            open += usize::from(!taken);
        }
    }
    tell(&format!(
        "{} combinations of {} stacks and {} secrets; a good token got in {tokens} times, a right \
         password {passwords} times; {open} times something got in that neither module took, in \
         the {} stacks that let anybody in",
        combinations.len(),
        stacks.len(),
        secrets.len(),
        stacks.iter().filter(|stack| stack.is_open()).count(),
    ));
    assert!(tokens >= 20 && passwords >= 20, "{tokens}, {passwords}");
}

#[test]
fn check_names_every_mixed_stack_that_lets_anybody_in_and_no_other() {
    let machine = Machine::ready();
    for stack in Stack::all() {
        let auth = stack.of("auth", "pam_jwt.so", "pam_unix.so");
        let account = "account required pam_jwt.so\naccount required pam_unix.so\n";
        machine.write("/etc/pam.d/sshd", format!("{auth}{account}"), 0o644);
        let output = machine.run(["pam-jwt", "--json", "check"]);
        let named = output.stdout.contains("\"lets_anyone_in\"");
        assert_eq!(named, stack.is_open(), "{auth}{output}");
    }
}

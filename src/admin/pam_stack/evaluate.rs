//! What libpam makes of the answers of a stack's modules (libpam/pam_dispatch.c), one step at a
//! time.

use super::control::{Action, ReturnCode};
use super::stack::{Call, Step};

/// What libpam thinks so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Impression {
    Undecided,
    Positive,
    Negative,
}

/// Impression and the code that would be returned with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Opinion {
    impression: Impression,
    status: ReturnCode,
}

impl Opinion {
    const NONE: Opinion = Opinion {
        impression: Impression::Undecided,
        status: ReturnCode::PermDenied,
    };

    /// The first success is kept until something fails.
    fn accept(&mut self, answer: ReturnCode) {
        let unspoilt =
            self.impression == Impression::Positive && self.status == ReturnCode::Success;
        if self.impression == Impression::Undecided || unspoilt {
            *self = Opinion {
                impression: Impression::Positive,
                status: answer,
            };
        }
    }

    /// The first failure is kept.
    fn reject(&mut self, answer: ReturnCode) {
        if self.impression != Impression::Negative {
            let status = if answer == ReturnCode::Ignore {
                ReturnCode::PermDenied
            } else {
                answer
            };
            *self = Opinion {
                impression: Impression::Negative,
                status,
            };
        }
    }
}

/// How far libpam has come in a stack.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The index of the step whose turn it is.
    pub next: usize,
    opinion: Opinion,
    /// The opinion on entering each level, which `reset` goes back to.
    entered: Vec<Opinion>,
}

impl State {
    pub fn start() -> State {
        State {
            next: 0,
            opinion: Opinion::NONE,
            entered: vec![Opinion::NONE],
        }
    }

    /// What the application is told if the stack ends here. A stack in which every module was
    /// ignored is refused.
    pub fn verdict(&self) -> ReturnCode {
        let Opinion { impression, status } = self.opinion;
        if status == ReturnCode::Success && impression != Impression::Positive {
            return ReturnCode::PermDenied;
        }
        status
    }

    pub fn succeeds(&self) -> bool {
        self.verdict() == ReturnCode::Success
    }

    /// The state after the step whose turn it is answered so.
    pub fn advance(&self, stack: &[Step], answer: ReturnCode) -> State {
        let mut state = self.clone();
        let Some(step) = stack.get(self.next) else {
            return state;
        };
        state.next += 1;
        // Levels deepen one at a time: a substack's own line stands a level above its first.
        if state.entered.len() <= step.level {
            state.entered.push(self.opinion);
        }
        if step.call != Call::Substack {
            state.act(stack, step, answer);
        }
        // Forget the levels that end here, so that the next substack enters anew.
        let level = stack.get(state.next).map_or(0, |next| next.level);
        state.entered.truncate(level + 1);
        state
    }

    fn act(&mut self, stack: &[Step], step: &Step, answer: ReturnCode) {
        let action = step.control.action(answer);
        let landing = landing(stack, self.next - 1, action);
        match action {
            Action::Ignore => {}
            Action::Ok => self.opinion.accept(answer),
            Action::Done => {
                self.opinion.accept(answer);
                // A failure before it stands, and the stack goes on.
                if self.opinion.impression == Impression::Positive {
                    self.next = landing.at;
                }
            }
            Action::Bad => self.opinion.reject(answer),
            Action::Die => {
                self.opinion.reject(answer);
                self.next = landing.at;
            }
            Action::Reset => {
                self.opinion = self
                    .entered
                    .get(step.level)
                    .copied()
                    .unwrap_or(Opinion::NONE);
            }
            Action::Jump(_) => {
                self.next = landing.at;
                if landing.missing > 0 {
                    let status = ReturnCode::PermDenied;
                    self.opinion = Opinion {
                        impression: Impression::Negative,
                        status,
                    };
                }
            }
        }
    }
}

/// Where a step leads.
pub struct Landing {
    /// The step that comes next.
    pub at: usize,
    /// How many lines a jump is short of. libpam fails such a jump.
    pub missing: usize,
}

/// Where a step's action leads: never out of the substack it is in, and over one in one.
pub fn landing(stack: &[Step], step: usize, action: Action) -> Landing {
    let level = stack.get(step).map_or(0, |step| step.level);
    let mut at = step + 1;
    let mut missing = 0;
    match action {
        Action::Done | Action::Die => at = end_of_level(stack, at, level),
        Action::Jump(lines) => {
            missing = lines;
            while missing > 0 && stack.get(at).is_some_and(|step| step.level >= level) {
                at = end_of_level(stack, at + 1, level + 1);
                missing -= 1;
            }
        }
        Action::Ignore | Action::Ok | Action::Bad | Action::Reset => {}
    }
    Landing { at, missing }
}

fn end_of_level(stack: &[Step], from: usize, level: usize) -> usize {
    let rest = stack.iter().skip(from);
    from + rest.take_while(|step| step.level >= level).count()
}

#[cfg(test)]
mod tests {
    use super::super::parse::Service;
    use super::super::stack::Type;
    use super::*;
    use ReturnCode::*;

    /// A module named `auth_err.so` answers auth_err. Each verdict is the one libpam 1.5.2 gave to
    /// the same stack of pam_debug.so lines.
    const VERDICTS: [(&str, &str, &str, ReturnCode); 22] = [
        (
            "nothing decides",
            "auth optional auth_err.so",
            "",
            PermDenied,
        ),
        ("all ignored", "auth required ignore.so", "", PermDenied),
        (
            "an optional success decides alone",
            "auth optional success.so",
            "",
            Success,
        ),
        (
            "the first failure is told",
            "auth required auth_err.so\nauth required user_unknown.so",
            "",
            AuthErr,
        ),
        (
            "sufficient ends it",
            "auth sufficient success.so\nauth required auth_err.so",
            "",
            Success,
        ),
        (
            "not after a failure",
            "auth required auth_err.so\nauth sufficient success.so",
            "",
            AuthErr,
        ),
        (
            "requisite ends it",
            "auth requisite auth_err.so\nauth required user_unknown.so",
            "",
            AuthErr,
        ),
        (
            "ignore that is bad",
            "auth [default=bad] ignore.so",
            "",
            PermDenied,
        ),
        (
            "an accepted refusal is told",
            "auth [default=ok] auth_err.so\nauth required success.so",
            "",
            AuthErr,
        ),
        (
            "a refusal that is done",
            "auth [default=done] auth_err.so\nauth required success.so",
            "",
            AuthErr,
        ),
        (
            "reset forgets a failure",
            "auth required auth_err.so\nauth [default=reset] ignore.so\nauth required success.so",
            "",
            Success,
        ),
        (
            "a jump",
            "auth [success=1 default=ignore] success.so\nauth requisite auth_err.so\nauth required success.so",
            "",
            Success,
        ),
        (
            "a jump decides nothing",
            "auth [success=1] success.so\nauth required auth_err.so",
            "",
            PermDenied,
        ),
        (
            "a jump too far",
            "auth required success.so\nauth [success=2] success.so\nauth required success.so",
            "",
            PermDenied,
        ),
        (
            "a jump over a substack",
            "auth [success=1] success.so\nauth substack inner\nauth required success.so",
            "auth required auth_err.so\nauth required auth_err.so",
            Success,
        ),
        (
            "a jump over an include counts its lines",
            "auth [success=1] success.so\nauth include inner\nauth required success.so",
            "auth required success.so\nauth required auth_err.so",
            AuthErr,
        ),
        (
            "no jump leaves a substack",
            "auth substack inner\nauth required success.so",
            "auth required success.so\nauth [success=1] success.so",
            PermDenied,
        ),
        (
            "done ends its substack only",
            "auth substack inner\nauth required auth_err.so",
            "auth sufficient success.so\nauth required user_unknown.so",
            AuthErr,
        ),
        (
            "die ends its substack only",
            "auth substack inner\nauth [default=reset] ignore.so\nauth required success.so",
            "auth requisite auth_err.so",
            Success,
        ),
        (
            "reset goes back to where the substack began",
            "auth required user_unknown.so\nauth substack inner\nauth required success.so",
            "auth [default=reset] ignore.so",
            UserUnknown,
        ),
        (
            "an empty substack decides nothing",
            "auth substack inner",
            "",
            PermDenied,
        ),
        (
            "a missing file fails",
            "auth required success.so\nauth include absent",
            "",
            PermDenied,
        ),
    ];

    #[test]
    fn verdicts_are_libpams() {
        for (what, service, inner, expected) in VERDICTS {
            let read = |name: &str| match name {
                "service" => Some(service.to_owned()),
                "inner" => Some(inner.to_owned()),
                _ => None,
            };
            let service = Service::load("service", &read);
            assert_eq!(verdict(service.stack(Type::Auth)), expected, "{what}");
        }
    }

    fn verdict(stack: &[Step]) -> ReturnCode {
        let mut state = State::start();
        while let Some(step) = stack.get(state.next) {
            state = state.advance(stack, named(step));
        }
        state.verdict()
    }

    fn named(step: &Step) -> ReturnCode {
        let Call::Module(module) = &step.call else {
            return PermDenied;
        };
        let codes = super::super::control::RETURN_CODES;
        let found = codes
            .iter()
            .find(|(_, name)| module.path == format!("{name}.so"));
        found.expect("a module named after a return code").0
    }
}

//! Looks for a way through a stack that ends in success.

use super::control::ReturnCode;
use super::evaluate::State;
use super::stack::{Call, Step};
use std::collections::HashSet;

/// One step of a way through a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its index in the stack.
    pub step: usize,
    pub answer: ReturnCode,
    /// It is what made an undecided stack succeed.
    pub granted: bool,
}

/// What a search found.
#[derive(Debug, PartialEq, Eq)]
pub enum Search {
    /// A shortest way to success.
    Success(Vec<Taken>),
    /// Whatever the modules answer, the stack fails.
    Refused,
    /// Given up: too many states.
    TooLarge,
}

/// Real stacks have a few hundred states at most.
const MOST_STATES: usize = 50_000;

/// Looks for answers, out of those each module may give, with which the stack succeeds. It walks
/// over states and not over combinations of answers, which would be far too many.
pub fn search(stack: &[Step], answers: &dyn Fn(&Step) -> Vec<ReturnCode>) -> Search {
    let mut seen = HashSet::from([State::start()]);
    let mut found = vec![Visit {
        state: State::start(),
        from: None,
    }];
    let mut at = 0;
    while let Some(state) = found.get(at).map(|visit| visit.state.clone()) {
        let Some(step) = stack.get(state.next) else {
            if state.succeeds() {
                return Search::Success(way(&found, at));
            }
            at += 1;
            continue;
        };
        let possible = match step.call {
            Call::Module(_) => answers(step),
            // A substack's own line asks nothing; any answer moves on.
            Call::Substack => vec![ReturnCode::Ignore],
            Call::MustFail => vec![ReturnCode::PermDenied],
        };
        for answer in possible {
            let after = state.advance(stack, answer);
            if seen.insert(after.clone()) {
                let granted = after.succeeds() && !state.succeeds();
                let taken = Taken {
                    step: state.next,
                    answer,
                    granted,
                };
                found.push(Visit {
                    state: after,
                    from: Some((at, taken)),
                });
            }
        }
        if found.len() > MOST_STATES {
            return Search::TooLarge;
        }
        at += 1;
    }
    Search::Refused
}

struct Visit {
    state: State,
    /// The visit before, and the step between.
    from: Option<(usize, Taken)>,
}

/// The steps from the start to a visit.
fn way(found: &[Visit], end: usize) -> Vec<Taken> {
    let mut way = Vec::new();
    let mut at = end;
    while let Some((before, taken)) = found.get(at).and_then(|visit| visit.from) {
        way.push(taken);
        at = before;
    }
    way.reverse();
    way
}

#[cfg(test)]
mod tests {
    use super::super::parse::Service;
    use super::super::stack::Type;
    use super::*;
    use ReturnCode::{AuthErr, Ignore, Success};

    #[test]
    fn a_search_tells_the_way_and_who_granted_it() {
        let text = "auth required pam_a.so\nauth [default=reset] pam_b.so\nauth optional pam_c.so";
        let read = |name: &str| (name == "service").then(|| text.to_owned());
        let service = Service::load("service", &read);
        let found = search(service.stack(Type::Auth), &|step| match &step.call {
            Call::Module(module) if module.name() == "pam_c.so" => vec![AuthErr, Success],
            _ => vec![AuthErr],
        });
        let Search::Success(way) = found else {
            panic!("{found:?}")
        };
        assert_eq!(
            way.iter().map(|taken| taken.answer).collect::<Vec<_>>(),
            [AuthErr, AuthErr, Success]
        );
        assert_eq!(
            way.iter().map(|taken| taken.granted).collect::<Vec<_>>(),
            [false, false, true]
        );
    }

    #[test]
    fn a_long_stack_is_searched_in_no_time() {
        let text = "auth [success=ok auth_err=reset default=ignore] pam_a.so\n".repeat(2000)
            + "auth required pam_b.so";
        let read = |name: &str| (name == "service").then(|| text.clone());
        let service = Service::load("service", &read);
        let found = search(service.stack(Type::Auth), &|step| match &step.call {
            Call::Module(module) if module.name() == "pam_b.so" => vec![AuthErr],
            _ => vec![Success, AuthErr, Ignore],
        });
        assert_eq!(found, Search::Refused);
    }
}

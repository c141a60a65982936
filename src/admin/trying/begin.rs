//! Begins to try: in such an order that whoever is killed at any moment leaves either everything as
//! it was or what puts it back.

use super::guard;
use super::login;
use super::state::{State, Try};
use crate::enable::file;
use crate::enable::plan::Change;
use cli::output::Failure;

/// What is done, one after the other.
pub trait Hands {
    /// Puts down what was there; it is on the disk then.
    fn save(&mut self) -> Result<(), Failure>;
    /// Has it put back in time, and when the machine starts.
    fn arm(&mut self) -> Result<(), Failure>;
    /// Writes a file.
    fn write(&mut self, file: &Change) -> Result<(), Failure>;
    /// Notes that all are written.
    fn note(&mut self) -> Result<(), Failure>;
}

/// Begins.
pub fn begin(hands: &mut dyn Hands, files: &[Change]) -> Result<(), Failure> {
    hands.save()?;
    hands.arm()?;
    for file in files {
        hands.write(file)?;
    }
    hands.note()
}

/// Does it on this machine.
pub struct Own<'a> {
    pub state: &'a State,
    pub attempt: &'a Try,
    pub seconds: u64,
}

impl Hands for Own<'_> {
    fn save(&mut self) -> Result<(), Failure> {
        let shown = self.state.shown();
        let saved = self.state.begin(self.attempt);
        saved.map_err(|error| Failure::new(format!("{shown}: {error}; nothing was changed")))
    }

    fn arm(&mut self) -> Result<(), Failure> {
        guard::arm(&self.attempt.id, self.seconds)
    }

    fn write(&mut self, file: &Change) -> Result<(), Failure> {
        write(file)
    }

    fn note(&mut self) -> Result<(), Failure> {
        let noted = login::this_moment().and_then(|moment| self.state.written(&moment));
        noted.map_err(|error| Failure::new(format!("{}: {error}", self.state.shown())))
    }
}

/// Writes a file as it is to be, if it still is what was judged: somebody may have saved another
/// meanwhile, and a transaction with PAM can take its time.
pub fn write(file: &Change) -> Result<(), Failure> {
    let path = file.path.display();
    let failed = |error: std::io::Error| Failure::new(format!("{path}: {error}"));
    if file::read(&file.path).map_err(failed)?.bytes != file.old {
        return Err(Failure::new(format!(
            "{path} was changed by somebody else meanwhile, and stays as it is; begin anew"
        )));
    }
    file::replace(&file.path, &file.new, None).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::super::put_back::put_back;
    use super::super::state::tests::{attempt, directory};
    use super::super::state::{Moment, State};
    use super::*;
    use std::fs;

    /// Dies in the place of one step, and knows what there was by then.
    struct Mortal<'a> {
        state: &'a State,
        attempt: &'a Try,
        steps: usize,
        armed: bool,
    }

    impl Mortal<'_> {
        fn step(&mut self) -> Result<(), Failure> {
            self.steps = self.steps.checked_sub(1).ok_or(Failure::new("killed"))?;
            Ok(())
        }
    }

    impl Hands for Mortal<'_> {
        fn save(&mut self) -> Result<(), Failure> {
            self.step()?;
            self.state.begin(self.attempt).unwrap();
            Ok(())
        }

        fn arm(&mut self) -> Result<(), Failure> {
            self.step()?;
            self.armed = true;
            Ok(())
        }

        fn write(&mut self, file: &Change) -> Result<(), Failure> {
            self.step()?;
            write(file)
        }

        fn note(&mut self) -> Result<(), Failure> {
            self.step()?;
            let moment = Moment { at: 1, audit: None };
            self.state.written(&moment).unwrap();
            Ok(())
        }
    }

    #[test]
    fn whoever_is_killed_leaves_everything_or_what_puts_it_back() {
        let dir = directory("begin");
        let path = dir.join("sshd");
        let mut all = 0;
        for steps in 0.. {
            fs::write(&path, "old").unwrap();
            let state = State::within(&dir.join(format!("state{steps}")));
            let mut tried = attempt(&path, b"old", b"new");
            tried.files[0].attributes = file::read(&path).unwrap().attributes;
            let mut hands = Mortal {
                state: &state,
                attempt: &tried,
                steps,
                armed: false,
            };
            let done = begin(&mut hands, &tried.files).is_ok();
            let changed = fs::read(&path).unwrap() != b"old";
            assert!(!changed || hands.armed, "{steps}");
            assert_eq!(
                done,
                changed && state.load().unwrap().unwrap().written.is_some()
            );
            if changed {
                let found = state.load().unwrap().unwrap();
                put_back(&found).unwrap();
            }
            let now = file::read(&path).unwrap();
            assert_eq!(
                (&*now.bytes, now.attributes),
                (&b"old"[..], tried.files[0].attributes.clone())
            );
            if done {
                all = steps;
                break;
            }
        }
        assert_eq!(all, 4);
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn what_was_changed_meanwhile_stays() {
        let dir = directory("meanwhile");
        let path = dir.join("sshd");
        fs::write(&path, "theirs").unwrap();
        let tried = attempt(&path, b"old", b"new");
        assert!(write(&tried.files[0]).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        fs::remove_dir_all(&dir).unwrap();
    }
}

//! What was traced, held against a profile.

use super::rules::Profile;
use super::trace::{Access, Trace, accesses};
use machine::Machine;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What strace has written below a directory of the machine, by the number of each process.
#[track_caller]
pub fn traces(machine: &Machine, directory: &str) -> Trace {
    machine.inside(|| {
        let files = fs::read_dir(directory).expect("the traces").map(|file| {
            let path = file.expect("a trace").path();
            let pid = path.extension().expect("a number").to_string_lossy();
            let text = fs::read(&path).expect("a trace");
            let lines = String::from_utf8_lossy(&text)
                .lines()
                .map(str::to_owned)
                .collect();
            (pid.into_owned(), lines)
        });
        files.collect()
    })
}

/// The rules that the profile would need besides. A process has no profile until it executes the
/// program of one.
#[track_caller]
pub fn missing(machine: &Machine, profile: &Profile, trace: &Trace) -> Vec<String> {
    machine.inside(|| {
        let lines = trace.values().flatten();
        let children: BTreeSet<Access> = lines.flat_map(|line| accesses(line)).collect();
        let is_child = |pid: &&String| children.contains(&Access::Child((*pid).clone()));
        let mut judge = Judge {
            profile,
            trace,
            held: BTreeSet::new(),
            missing: BTreeSet::new(),
        };
        for pid in trace.keys().filter(|pid| !is_child(pid)) {
            judge.process(pid, None, "");
        }
        assert!(
            !judge.held.is_empty(),
            "no process had the profile {}",
            profile.name
        );
        judge.missing.into_iter().collect()
    })
}

struct Judge<'a> {
    profile: &'a Profile,
    trace: &'a Trace,
    /// What was held against it, and in which of its profiles, once each.
    held: BTreeSet<(String, String, &'static str)>,
    missing: BTreeSet<String>,
}

impl<'a> Judge<'a> {
    fn process(&mut self, pid: &str, profile: Option<&'a Profile>, program: &str) {
        let (mut profile, mut program) = (profile, program.to_owned());
        for line in self.trace.get(pid).into_iter().flatten() {
            for access in accesses(line) {
                match access {
                    Access::Child(child) => self.process(&child, profile, &program),
                    Access::Execute(path) => {
                        if path != "/proc/self/exe" {
                            program = real(&path);
                        }
                        profile = self.executed(profile, &program);
                    }
                    Access::Path(path, modes) => {
                        if let Some(profile) = profile {
                            let held = (profile.name.clone(), path.clone(), modes);
                            if self.held.insert(held) {
                                self.path(profile, &named(&path), modes);
                            }
                        }
                    }
                    Access::Rule(words) => {
                        if let Some(profile) = profile {
                            self.rule(profile, words);
                        }
                    }
                }
            }
        }
    }

    fn executed(&mut self, profile: Option<&'a Profile>, program: &str) -> Option<&'a Profile> {
        let Some(profile) = profile else {
            return self.profile.is_of(program).then_some(self.profile);
        };
        self.path(profile, program, "x");
        let next = profile.after(program);
        if next.is_none() {
            self.lacks(profile, format!("{program} with no profile afterwards"));
        }
        next.or(Some(profile))
    }

    fn path(&mut self, profile: &Profile, path: &str, modes: &str) {
        let lacking = profile.lacks(path, modes);
        if !lacking.is_empty() {
            self.lacks(profile, format!("{path} {lacking},"));
        }
    }

    fn rule(&mut self, profile: &Profile, words: &[&str]) {
        if !profile.has(words) {
            self.lacks(profile, format!("{},", words.join(" ")));
        }
    }

    fn lacks(&mut self, profile: &Profile, rule: String) {
        self.missing.insert(format!("in {}: {rule}", profile.name));
    }
}

/// A path without links, as AppArmor sees it.
fn real(path: &str) -> String {
    let real = fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
    real.to_string_lossy().into_owned()
}

/// The same of what may be there no more: that of the directory that it was in. That of a
/// directory ends in a slash.
fn named(path: &str) -> String {
    let given = Path::new(path);
    let exists = given.exists();
    let real = match (given.parent(), given.file_name()) {
        _ if exists => PathBuf::from(real(path)),
        (Some(parent), Some(name)) => Path::new(&real(&parent.to_string_lossy())).join(name),
        _ => given.to_owned(),
    };
    let is_directory = path.ends_with('/') || real.is_dir();
    let real = real.to_string_lossy();
    match real.as_ref() {
        "/" => "/".to_owned(),
        real if is_directory => format!("{real}/"),
        real => real.to_owned(),
    }
}

//! Reads a service's pam.d files as libpam does: lines, includes and substacks become one flat
//! stack for each of the four types, and every step knows the file and line it came from.
//!
//! libpam reads on past most mistakes and puts a step that fails in their place. So does this, and
//! keeps the mistake as a [`Problem`].

use super::control::Control;
use super::lines::{logical_lines, words};
use super::stack::{Call, Module, Place, Step, Type};

/// As deep as libpam follows files that name files (PAM_SUBSTACK_MAX_LEVEL). Debian's counts
/// substacks only, and overflows its stack where two files include each other.
const DEEPEST: usize = 16;
/// Files that include each other twice double at each level; no real service comes near this.
const MOST_FILES: usize = 1024;

/// A line libpam cannot read as it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub place: Place,
    pub text: String,
    /// The line itself, to see what it is about.
    pub source: String,
}

/// What libpam knows of a service once it has read its files.
#[derive(Debug, Default)]
pub struct Service {
    stacks: [Vec<Step>; 4],
    pub problems: Vec<Problem>,
    /// A file cannot be read to its end, upon which libpam refuses whatever is asked.
    pub refused: bool,
}

impl Service {
    /// Reads the service, and `other` for each type of which the service has no line.
    pub fn load(name: &str, read: &dyn Fn(&str) -> Option<String>) -> Service {
        let own = Service::load_one(name, read);
        let other = Service::load_one("other", read);
        let (mut service, fallback) = match (own, other) {
            (Some(own), Some(other)) => (own, other),
            (Some(own), None) => (own, Service::default()),
            (None, Some(other)) => (other, Service::default()),
            (None, None) => {
                return Service {
                    refused: true,
                    ..Service::default()
                };
            }
        };
        let mut falls_back = false;
        for (own, other) in service.stacks.iter_mut().zip(fallback.stacks) {
            if own.is_empty() && !other.is_empty() {
                *own = other;
                falls_back = true;
            }
        }
        // libpam reads `other` for every service, so that what ends its reading there ends it here.
        service.refused |= fallback.refused;
        if falls_back || fallback.refused {
            service.problems.extend(fallback.problems);
        }
        service
    }

    pub fn stack(&self, kind: Type) -> &[Step] {
        self.stacks.get(kind as usize).map_or(&[], Vec::as_slice)
    }

    fn load_one(name: &str, read: &dyn Fn(&str) -> Option<String>) -> Option<Service> {
        let text = read(name)?;
        let mut loader = Loader {
            read,
            files: 0,
            service: Service::default(),
        };
        let whole = loader.lines(
            name,
            &text,
            Scope {
                only: None,
                files: 0,
                level: 0,
            },
        );
        Some(Service {
            refused: whole.is_err(),
            ..loader.service
        })
    }
}

/// The file cannot be used; the problem is noted.
struct Unusable;

/// Under what a file is read.
#[derive(Clone, Copy)]
struct Scope {
    /// The type of the line that included it; lines of other types are skipped.
    only: Option<Type>,
    /// How many files lead here.
    files: usize,
    /// How many substacks.
    level: usize,
}

struct Loader<'a> {
    read: &'a dyn Fn(&str) -> Option<String>,
    files: usize,
    service: Service,
}

impl Loader<'_> {
    fn lines(&mut self, file: &str, text: &str, scope: Scope) -> Result<(), Unusable> {
        for line in logical_lines(text) {
            let place = Place {
                file: file.to_owned(),
                line: line.number,
            };
            if !line.ended {
                self.problem(
                    &place,
                    "the file ends after a `\\` that announces more",
                    &line.text,
                );
                return Err(Unusable);
            }
            if line.text.contains('\r') {
                let text = "the line has a carriage return, which becomes part of its last word";
                self.problem(&place, text, &line.text);
            }
            self.line(place, &line.text, scope)?;
        }
        Ok(())
    }

    fn line(&mut self, place: Place, text: &str, scope: Scope) -> Result<(), Unusable> {
        let mut words = words(text).into_iter();
        let first = words.next().unwrap_or_default();
        // A `-` only keeps libpam from logging that the module is missing.
        let first = first.strip_prefix('-').unwrap_or(&first);
        if first.eq_ignore_ascii_case("@include") {
            // Debian's own: unlike the control `include` it fails for the whole file.
            return self.file(
                words.next(),
                &place,
                text,
                Scope {
                    files: scope.files + 1,
                    ..scope
                },
            );
        }

        let kind = Type::ALL
            .into_iter()
            .find(|kind| first.eq_ignore_ascii_case(kind.name()));
        if kind.is_none() {
            let problem = format!("`{first}` is none of auth, account, password and session");
            self.problem(&place, &problem, text);
        }
        // An unknown type goes where libpam puts it: to the most sensitive.
        let placed = kind.or(scope.only).unwrap_or(Type::Auth);
        if scope.only.is_some_and(|only| only != placed) {
            return Ok(());
        }

        let Some(word) = words.next() else {
            self.problem(
                &place,
                "the line has no control (required, sufficient, ...)",
                text,
            );
            self.push(placed, place, scope.level, Control::ALL_BAD, Call::MustFail);
            return Ok(());
        };
        let substack = word.eq_ignore_ascii_case("substack");
        if substack || word.eq_ignore_ascii_case("include") {
            if substack {
                let control = Control::ALL_BAD;
                self.push(placed, place.clone(), scope.level, control, Call::Substack);
            }
            let (files, level) = (scope.files + 1, scope.level + usize::from(substack));
            let inner = Scope {
                only: Some(placed),
                files,
                level,
            };
            if self.file(words.next(), &place, text, inner).is_err() {
                self.push(placed, place, scope.level, Control::ALL_BAD, Call::MustFail);
            }
            return Ok(());
        }

        let control = Control::parse(&word).unwrap_or_else(|why| {
            self.problem(&place, &format!("the control cannot be read: {why}"), text);
            Control::ALL_BAD
        });
        let call = match (words.next(), kind) {
            (Some(path), Some(_)) => Call::Module(Module {
                path,
                arguments: words.collect(),
            }),
            (Some(_), None) => Call::MustFail,
            (None, _) => {
                self.problem(&place, "the line names no module", text);
                Call::MustFail
            }
        };
        self.push(placed, place, scope.level, control, call);
        Ok(())
    }

    /// Reads the file a line names.
    fn file(
        &mut self,
        name: Option<String>,
        place: &Place,
        source: &str,
        scope: Scope,
    ) -> Result<(), Unusable> {
        let Some(name) = name else {
            self.problem(place, "the line names no file to include", source);
            return Err(Unusable);
        };
        self.files += 1;
        if scope.files >= DEEPEST || self.files > MOST_FILES {
            let text = format!("`{name}` is included in a loop, or too deeply");
            self.problem(place, &text, source);
            return Err(Unusable);
        }
        let Some(text) = (self.read)(&name) else {
            self.problem(place, &format!("`{name}` cannot be read"), source);
            return Err(Unusable);
        };
        self.lines(&name, &text, scope)
    }

    fn push(&mut self, kind: Type, place: Place, level: usize, control: Control, call: Call) {
        if let Some(stack) = self.service.stacks.get_mut(kind as usize) {
            stack.push(Step {
                place,
                level,
                control,
                call,
            });
        }
    }

    /// Keeps a line's first problem: the others follow from it, or are the same once more.
    fn problem(&mut self, place: &Place, text: &str, source: &str) {
        if self
            .service
            .problems
            .iter()
            .any(|problem| problem.place == *place)
        {
            return;
        }
        let (text, source) = (text.to_owned(), source.to_owned());
        self.service.problems.push(Problem {
            place: place.clone(),
            text,
            source,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::control::{Action, ReturnCode};
    use super::*;

    fn load(files: &[(&str, &str)]) -> Service {
        Service::load("service", &|name| {
            let found = files.iter().find(|(file, _)| *file == name);
            found.map(|(_, text)| (*text).to_owned())
        })
    }

    /// Every step of the auth stack as `file:line level module arguments`.
    fn auth(service: &Service) -> Vec<String> {
        let steps = service.stack(Type::Auth).iter();
        let written = steps.map(|step| {
            let call = match &step.call {
                Call::Module(module) => format!("{} {:?}", module.path, module.arguments),
                call => format!("{call:?}"),
            };
            format!("{} {} {call}", step.place, step.level)
        });
        written.collect()
    }

    #[test]
    fn reads_what_pam_d_allows() {
        let service = load(&[(
            "service",
            "# a comment\n\n\tAUTH Required pam_a.so debug # no argument\n\
             -auth [success=ok \\\n# between\n  default=bad] /lib/pam_b.so [a \\] b] c\n\
             auth optional \\  \npam_c.so",
        )]);
        assert_eq!(service.problems, []);
        assert_eq!(
            auth(&service),
            [
                r#"service:3 0 pam_a.so ["debug"]"#,
                r#"service:4 0 /lib/pam_b.so ["a ] b", "c"]"#,
                r#"service:7 0 pam_c.so []"#
            ]
        );
    }

    #[test]
    fn included_lines_keep_their_place_and_only_their_type() {
        let common = "account required pam_b.so\nauth required pam_a.so";
        let service = load(&[
            (
                "service",
                "auth include common\nauth substack common\n@include common",
            ),
            ("common", common),
        ]);
        assert_eq!(
            auth(&service),
            [
                "common:2 0 pam_a.so []",
                "service:2 0 Substack",
                "common:2 1 pam_a.so []",
                "common:2 0 pam_a.so []"
            ]
        );
        assert_eq!(service.stack(Type::Account).len(), 1);
    }

    #[test]
    fn types_without_a_line_come_from_other() {
        let other = (
            "other",
            "auth required pam_deny.so\naccount required pam_deny.so",
        );
        let service = load(&[("service", "account required pam_a.so"), other]);
        assert_eq!(auth(&service), ["other:1 0 pam_deny.so []"]);
        assert_eq!(service.stack(Type::Account).len(), 1);
        assert_eq!(auth(&load(&[other])), ["other:1 0 pam_deny.so []"]);
        assert!(load(&[]).refused);
    }

    #[test]
    fn mistakes_are_problems_and_fail_where_they_stand() {
        for (line, problem, step) in [
            (
                "auht required pam_a.so",
                "`auht` is none of",
                Some("service:1 0 MustFail"),
            ),
            ("auth", "no control", Some("service:1 0 MustFail")),
            ("auth required", "no module", Some("service:1 0 MustFail")),
            (
                "auth sufficent pam_a.so",
                "the control cannot be read",
                Some("service:1 0 pam_a.so []"),
            ),
            (
                "auth required pam_a.so\r",
                "carriage return",
                Some("service:1 0 pam_a.so\r []"),
            ),
            (
                "auth include absent",
                "`absent` cannot be read",
                Some("service:1 0 MustFail"),
            ),
            ("auth include", "no file", Some("service:1 0 MustFail")),
            ("@include absent", "`absent` cannot be read", None),
            ("auth required pam_a.so \\", "the file ends", None),
        ] {
            let service = load(&[("service", line)]);
            assert!(
                service.problems[0].text.contains(problem),
                "{line}: {:?}",
                service.problems
            );
            assert_eq!(auth(&service).first().map(String::as_str), step, "{line}");
            assert_eq!(service.refused, step.is_none(), "{line}");
        }
        let service = load(&[("service", "auth [success=0] pam_a.so")]);
        let control = &service.stack(Type::Auth)[0].control;
        assert_eq!(control.action(ReturnCode::Success), Action::Bad);
    }

    #[test]
    fn loops_end() {
        let twice = "auth include service\nauth include service\nauth required pam_a.so";
        assert!(
            load(&[("service", twice)]).problems[0]
                .text
                .contains("in a loop")
        );
        let debian = load(&[("service", "@include service\nauth required pam_a.so")]);
        assert!(debian.refused);
    }
}

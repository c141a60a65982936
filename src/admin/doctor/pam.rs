//! The lines of pam.d, as `pam-jwt check` reads them, against what rules say, and the module
//! that they name.

use super::finding::{Finding, Topic, Verdict};
use crate::check::{self, PamServices};
use crate::pam_stack::Severity;
use std::io::Read;
use std::path::{Path, PathBuf};
use system::trusted_file::{self, FileFault};

const TOPIC: Topic = Topic::Pam;

/// What puts the line in.
fn enable(service: &str) -> String {
    format!("Run 'pam-jwt enable {service}', which shows what it changes and can put it back.")
}

/// What is to be said of the lines; `wanted` are the services that rules name, `asked` is the
/// one that somebody asks about, and `is_there` tells whether pam.d has one.
pub fn judge(
    pam: &PamServices,
    wanted: &[String],
    asked: Option<&str>,
    is_there: &dyn Fn(&str) -> bool,
) -> Vec<Finding> {
    let takes = |service: &str| pam.taking.iter().any(|one| one == service);
    let is_wanted = |service: &str| wanted.iter().any(|one| one == service);
    let mut findings = Vec::new();
    if let Some(asked) = asked {
        if !is_there(asked) {
            let says = format!("There is no service {asked} in /etc/pam.d.");
            findings.push(TOPIC.wrong(says, "See 'ls /etc/pam.d' for its name."));
        } else if !takes(asked) {
            let says =
                format!("No line of /etc/pam.d/{asked} takes tokens, so it never asks for one.");
            findings.push(TOPIC.wrong(says, &enable(asked)));
        }
        if !is_wanted(asked) {
            let says = format!("No rule of any issuer names the service {asked}.");
            let mend = "Name it in services of a rule in /etc/pam-jwt/issuers.d.";
            findings.push(TOPIC.wrong(says, mend));
        }
    } else if pam.taking.is_empty() {
        let says = "No line in /etc/pam.d takes tokens, so no program asks for one.";
        let first = wanted.first().map_or("sshd", String::as_str);
        findings.push(TOPIC.wrong(says, &enable(first)));
    } else {
        findings.extend(unasked(pam, wanted, is_there));
    }
    let is_asked = |found: &&check::Finding| {
        let of = |service: &str| found.text.starts_with(&format!("service {service}: "));
        asked.is_none_or(of)
    };
    let found = pam.findings.iter().chain(&pam.shut).filter(is_asked);
    findings.extend(found.filter_map(of_check));
    let taking: Vec<&str> = pam
        .taking
        .iter()
        .map(String::as_str)
        .filter(|service| asked.is_none_or(|asked| asked == *service))
        .collect();
    if !taking.is_empty() {
        findings.push(TOPIC.fine(format!("tokens are taken by {}", taking.join(", "))));
    }
    findings
}

/// Services that rules name, and that ask nobody for a token.
fn unasked(pam: &PamServices, wanted: &[String], is_there: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let is_asking = |service: &&String| pam.taking.contains(service);
    let is_none = !wanted.is_empty() && !wanted.iter().any(|service| is_asking(&service));
    let verdict = if is_none {
        Verdict::Wrong
    } else {
        Verdict::Doubtful
    };
    let unasked = wanted
        .iter()
        .filter(|service| !is_asking(service) && is_there(service));
    let finding = |service: &String| {
        let says =
            format!("A rule names {service}, and no line of /etc/pam.d/{service} takes tokens.");
        TOPIC.finding(verdict, says, &enable(service))
    };
    unasked.map(finding).collect()
}

/// As `pam-jwt check` has it.
fn of_check(found: &check::Finding) -> Option<Finding> {
    let verdict = match found.severity {
        Severity::Error => Verdict::Wrong,
        Severity::Warning => Verdict::Doubtful,
        Severity::Note => return None,
    };
    let says = format!("{}: {}", found.place, found.text);
    Some(TOPIC.finding(verdict, says, &found.more))
}

/// Whether libpam finds the module where lines name it.
pub fn modules(named: &[String]) -> Vec<Finding> {
    let dirs = libpams_directories();
    named
        .iter()
        .filter_map(|name| module(name, &dirs))
        .collect()
}

fn module(name: &str, dirs: &[PathBuf]) -> Option<Finding> {
    let install = "Install it: the package libpam-jwt, or 'make install'.";
    if name.starts_with('/') {
        return of_module(Path::new(name), install);
    }
    let places: Vec<PathBuf> = dirs.iter().map(|dir| dir.join(name)).collect();
    match places.iter().find(|place| place.exists()) {
        Some(place) => of_module(place, install),
        None => {
            let shown: Vec<String> = dirs.iter().map(|dir| dir.display().to_string()).collect();
            let says = format!(
                "Lines name {name}, and there is none in {}.",
                shown.join(" or ")
            );
            Some(TOPIC.wrong(says, install))
        }
    }
}

/// What is wrong with the module at `path`.
fn of_module(path: &Path, install: &str) -> Option<Finding> {
    let shown = path.display();
    // Many a /lib is a link to /usr/lib, which is the system's own.
    let Ok(whole) = path.canonicalize() else {
        let says = format!("Lines name {shown}, and there is no such file.");
        return Some(TOPIC.wrong(says, install));
    };
    match trusted_file::verify(&whole) {
        Err(fault) if fault.is_out_of_reach() => {
            let says = format!("{shown} cannot be read by programs that are not root's.");
            let mend = format!("'chmod 0644 {}'", whole.display());
            return Some(TOPIC.doubtful(says, &mend));
        }
        Err(fault) if fault.fault != FileFault::TooLong => {
            let says = format!("{fault}: whoever can change the module can let anybody in.");
            let mend = "Install it again; nobody but root may write there.";
            return Some(TOPIC.doubtful(says, mend));
        }
        _ => {}
    }
    let mut magic = [0; 4];
    let read = std::fs::File::open(&whole).and_then(|mut file| file.read_exact(&mut magic));
    if read.is_err() || magic != *b"\x7fELF" {
        let says = format!("{shown} is no shared library, so libpam cannot load it.");
        return Some(TOPIC.wrong(says, install));
    }
    None
}

/// Where libpam looks for modules: where pam_unix.so is.
fn libpams_directories() -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = Vec::new();
    for lib in ["/usr/lib", "/lib", "/usr/lib64", "/lib64"].map(Path::new) {
        let inner = std::fs::read_dir(lib).into_iter().flatten().flatten();
        let inner = inner.map(|entry| entry.path());
        for dir in std::iter::once(lib.to_owned()).chain(inner) {
            let dir = dir.join("security");
            let is_new = |dir: &PathBuf| !dirs.contains(dir);
            if dir.join("pam_unix.so").exists()
                && let Ok(dir) = dir.canonicalize()
                && is_new(&dir)
            {
                dirs.push(dir);
            }
        }
    }
    dirs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(taking: &[&str]) -> PamServices {
        let names: Vec<String> = taking.iter().map(|name| (*name).to_owned()).collect();
        PamServices {
            services: names.clone(),
            taking: names,
            ..PamServices::default()
        }
    }

    fn verdicts(taking: &[&str], wanted: &[&str], asked: Option<&str>) -> Vec<Verdict> {
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        let is_there = |name: &str| name != "absent";
        let found = judge(&services(taking), &wanted, asked, &is_there).into_iter();
        let found: Vec<Finding> = found.collect();
        for finding in &found {
            let is_told = finding.verdict == Verdict::Fine || !finding.mend.is_empty();
            assert!(is_told, "{finding:?}");
        }
        found.iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn rules_and_lines_are_to_name_the_same_services() {
        use Verdict::{Doubtful, Fine, Wrong};
        for (taking, wanted, asked, told) in [
            (&[][..], &["sshd"][..], None, &[Wrong][..]),
            (&["sshd"], &["sshd"], None, &[Fine]),
            (&["sshd"], &["sshd", "login"], None, &[Doubtful, Fine]),
            (&["sshd"], &["sshd", "absent"], None, &[Fine]),
            (&["su"], &["sshd"], None, &[Wrong, Fine]),
            (&["sshd"], &[], None, &[Fine]),
            (&["sshd"], &["sshd"], Some("sshd"), &[Fine]),
            (&["sshd"], &["sshd", "login"], Some("login"), &[Wrong]),
            (&["sshd", "su"], &["sshd"], Some("su"), &[Wrong, Fine]),
            (&["sshd"], &["sshd"], Some("absent"), &[Wrong, Wrong]),
        ] {
            assert_eq!(
                verdicts(taking, wanted, asked),
                told,
                "{taking:?} {wanted:?} {asked:?}"
            );
        }
    }

    #[test]
    fn a_module_that_is_missing_or_none_is_told() {
        let dirs = libpams_directories();
        assert!(!dirs.is_empty(), "libpam's modules");
        assert_eq!(module("pam_unix.so", &dirs), None);
        for (name, says) in [
            ("no_such.so", "there is none in /"),
            ("/no/such.so", "no such file"),
            ("/etc/passwd", "no shared library"),
        ] {
            let found = module(name, &dirs).unwrap();
            assert!(found.says.contains(says), "{found:?}");
            assert_eq!(found.verdict, Verdict::Wrong);
        }
    }
}

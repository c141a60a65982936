//! `pam-jwt disable`: the lines that `enable` has put in go out again.

use super::{edit, file};
use crate::as_root;
use crate::pam_d::PamD;
use crate::trying::{self, Turn};
use clap::Args;
use cli::output::{Exit, Failure, Output, visible};
use serde_json::{Value, json};

/// Take out of /etc/pam.d/SERVICE the lines that `pam-jwt enable` has put there.
///
/// These are the lines that end in "# by pam-jwt enable", and the file is byte for byte what it
/// was without them. Lines that were written by hand are named and stay, and so do those of
/// pam-auth-update: exit status 1. What is being tried is put back first.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # sshd asks for passwords alone again
  pam-jwt disable sshd
  # nothing of pam-jwt enable is left in /etc/pam.d
  pam-jwt disable --all")]
pub struct Disable {
    /// The services: names of files in /etc/pam.d.
    #[arg(value_name = "SERVICE", required_unless_present = "all", conflicts_with = "all",
        value_parser = file::service)]
    services: Vec<String>,
    /// Every file of /etc/pam.d.
    #[arg(long)]
    all: bool,
}

/// What became of a file.
struct Done {
    file: String,
    removed: Vec<String>,
    by_hand: Vec<String>,
}

impl Disable {
    /// Runs it.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        as_root()?;
        let pam_d = PamD::of_this_machine();
        let _turn = Turn::take()?;
        trying::tidy();
        let mut theirs = Vec::new();
        match trying::current() {
            Ok(Some(tried)) if self.concerns(&tried.services()) => theirs = trying::end(&tried)?,
            Ok(_) => {}
            // The lines go out all the same.
            Err(failure) if self.all => out.failure(&failure),
            Err(failure) => return Err(failure),
        }
        let mut done = Vec::new();
        if self.all {
            for service in pam_d.services() {
                if file::is_half_written(&service) {
                    let _ = std::fs::remove_file(pam_d.etc.join(&service));
                    continue;
                }
                // What cannot be written by hand, `enable` has not written either.
                if let Ok(found) = file::find(&pam_d.etc, &pam_d.vendor, &service) {
                    done.push(disable(found)?);
                }
            }
            done.retain(|done| !done.removed.is_empty() || !done.by_hand.is_empty());
        } else {
            for service in &self.services {
                let found = file::find(&pam_d.etc, &pam_d.vendor, service)?;
                done.push(disable(found)?);
            }
        }
        out.report(
            || {
                let file = |done: &Done| json!({ "file": done.file, "removed": done.removed, "by_hand": done.by_hand });
                json!({ "files": done.iter().map(file).collect::<Value>(), "kept": theirs })
            },
            || as_text(&done, &theirs),
        );
        let left = done.iter().any(|done| !done.by_hand.is_empty());
        Ok(if left || !theirs.is_empty() {
            Exit::Refused
        } else {
            Exit::Done
        })
    }

    fn concerns(&self, services: &[String]) -> bool {
        self.all
            || services
                .iter()
                .any(|service| self.services.contains(service))
    }
}

fn disable(found: file::Found) -> Result<Done, Failure> {
    let shown = found.path.display().to_string();
    let removed = edit::ours(&found.bytes);
    if !removed.is_empty() {
        let rest = edit::without(&found.bytes);
        file::replace(&found.path, &rest, None)
            .map_err(|error| Failure::new(format!("{shown}: {error}; it is as it was")))?;
    }
    Ok(Done {
        file: shown,
        removed,
        by_hand: edit::by_hand(&found.bytes),
    })
}

fn as_text(done: &[Done], theirs: &[String]) -> String {
    let mut text = String::new();
    for Done {
        file,
        removed,
        by_hand,
    } in done
    {
        if removed.is_empty() {
            text.push_str(&format!("{file}: no line of pam-jwt enable\n"));
        }
        for line in removed {
            text.push_str(&visible(&format!("{file}: removed: {line}\n")));
        }
        for line in by_hand {
            text.push_str(&visible(&format!(
                "{file}: left, since it was not pam-jwt enable that wrote it: {line}\n"
            )));
        }
    }
    for what in theirs {
        text.push_str(&format!("{what}\n"));
    }
    if text.is_empty() {
        text.push_str("nothing to do: no file of /etc/pam.d has a line of pam-jwt enable\n");
    }
    text
}

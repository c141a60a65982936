//! What `enable` says: the stacks before and after, what was judged and tried, how it ended.

use super::attempt::Tried;
use super::edit::{self, Line};
use super::plan::{Change, Remark};
use crate::pam_d::PamD;
use crate::pam_stack::auth_modules;
use cli::output::{Exit, Output, Tone, visible};
use policy::duration::for_people;
use serde_json::{Value, json};

/// All that there is to say.
#[derive(Default)]
pub struct Report {
    /// Services that take tokens already, and by whose doing.
    pub already: Vec<(String, String)>,
    services: Vec<Service>,
    pub refusals: Vec<Remark>,
    pub notes: Vec<Remark>,
    pub tried: Vec<Tried>,
}

/// A service that changes.
struct Service {
    name: String,
    file: String,
    lines: Vec<Line>,
    before: Vec<String>,
    after: Vec<String>,
}

impl Report {
    /// Takes down what the stacks are and what they will be.
    pub fn before_and_after(&mut self, changes: &[Change], pam_d: &PamD) {
        let service = |change: &Change| Service {
            name: change.service.clone(),
            file: change.path.display().to_string(),
            lines: edit::compared(&change.old, &change.new),
            before: auth_modules(&change.service, &|name| pam_d.read(name)),
            after: auth_modules(&change.service, &|name| super::after(changes, pam_d, name)),
        };
        self.services = changes.iter().map(service).collect();
    }

    /// Nothing was changed, and why.
    pub fn refused(&self, out: &Output) -> Exit {
        self.end("refused", out, &self.body(out));
        Exit::Refused
    }

    /// It is done, whatever it was.
    pub fn done(&self, outcome: &'static str, out: &Output) -> Exit {
        self.end(outcome, out, &self.body(out));
        Exit::Done
    }

    /// It is being tried, and what to do now.
    pub fn being_tried(&self, seconds: u64, out: &Output) {
        if out.json {
            return;
        }
        let services: Vec<&str> = self.services.iter().map(|service| &*service.name).collect();
        let how = if services.contains(&"sshd") {
            "log in by ssh anew"
        } else {
            "log in anew"
        };
        let text = format!(
            "{}The new lines are there for {}. Now, in another terminal:\n  \
             1. {how}, with a token and with a password (a public key shows nothing of them);\n  \
             2. in that new session, run: sudo pam-jwt confirm\n\
             Without that everything goes back to what it was.\n",
            self.body(out),
            for_people(seconds)
        );
        out.raw(text.as_bytes());
    }

    /// How the trying ended.
    pub fn ended(&self, outcome: &'static str, out: &Output) -> Exit {
        self.end(outcome, out, "");
        if outcome == "confirmed" {
            Exit::Done
        } else {
            Exit::Refused
        }
    }

    fn end(&self, outcome: &'static str, out: &Output, body: &str) {
        let verdict = || {
            let names: Vec<&str> = self.services.iter().map(|service| &*service.name).collect();
            let services = names.join(", ");
            match outcome {
                "refused" => out.painted(Tone::Bad, "refused: nothing was changed"),
                "nothing_to_do" => "nothing to do".to_owned(),
                "would_be_enabled" => format!("tokens would open {services}; nothing was written"),
                "confirmed" => {
                    out.painted(Tone::Good, &format!("confirmed: tokens open {services}"))
                }
                "put_back" => out.painted(Tone::Bad, &format!("put back: {services} as before")),
                _ => format!(
                    "{}\nKeep this root shell open until a login in another terminal has worked; \
                     the way back: pam-jwt disable {}\nNext time \"--try 60s\" goes back by itself.",
                    out.painted(Tone::Good, &format!("enabled: tokens open {services}")),
                    names.join(" ")
                ),
            }
        };
        out.report(|| self.as_json(outcome), || format!("{body}{}", verdict()));
    }

    fn body(&self, out: &Output) -> String {
        let mut text = String::new();
        for (service, by) in &self.already {
            text.push_str(&visible(&format!("{service} takes tokens already, {by}\n")));
        }
        for service in &self.services {
            text.push_str(&format!("{}\n", service.file));
            for line in &service.lines {
                let shown = format!("  {} {}", line.sign, visible(&line.text));
                let shown = match line.sign {
                    '+' => out.painted(Tone::Good, &shown),
                    '-' => out.painted(Tone::Bad, &shown),
                    _ => shown,
                };
                text.push_str(&format!("{}\n", shown.trim_end()));
            }
            for (when, modules) in [("before", &service.before), ("after", &service.after)] {
                text.push_str(&format!("auth lines of {}, {when}:\n", service.name));
                for (at, module) in modules.iter().enumerate() {
                    text.push_str(&format!("  {}. {}\n", at + 1, visible(module)));
                }
            }
        }
        for tried in &self.tried {
            text.push_str(&format!(
                "{}, tried by libpam: refused {}\n",
                tried.service,
                tried.refused.join(", ")
            ));
            text.push_str(&match &tried.accepted {
                Ok(account) => format!("  accepted a token of {}'s\n", visible(account)),
                Err(why) => format!("  no token was tried that is good: {why}\n"),
            });
        }
        let remarks = [
            ("refused", Tone::Bad, &self.refusals),
            ("note", Tone::Doubtful, &self.notes),
        ];
        for (word, tone, remarks) in remarks {
            for remark in remarks {
                let said = visible(&format!("{}: {}", remark.place, remark.text));
                text.push_str(&format!("{}: {said}\n", out.painted(tone, word)));
                for line in visible(&remark.advice).lines() {
                    text.push_str(&format!("    {line}\n"));
                }
            }
        }
        text
    }

    fn as_json(&self, outcome: &str) -> Value {
        let remark = |remark: &Remark| {
            json!({ "code": remark.code, "place": remark.place, "text": remark.text,
                "advice": remark.advice })
        };
        let line = |line: &Line| format!("{}{}", line.sign, line.text);
        let service = |service: &Service| {
            json!({ "service": service.name, "file": service.file, "before": service.before,
                "after": service.after, "diff": service.lines.iter().map(line).collect::<Vec<_>>() })
        };
        let tried = |tried: &Tried| {
            json!({ "service": tried.service, "refused": tried.refused,
                "accepted": tried.accepted.as_ref().ok(),
                "not_tried": tried.accepted.as_ref().err() })
        };
        json!({
            "outcome": outcome,
            "services": self.services.iter().map(service).collect::<Value>(),
            "already": self.already.iter().map(|(service, by)| json!({ "service": service, "by": by }))
                .collect::<Value>(),
            "tried": self.tried.iter().map(tried).collect::<Value>(),
            "refusals": self.refusals.iter().map(remark).collect::<Value>(),
            "notes": self.notes.iter().map(remark).collect::<Value>(),
        })
    }
}

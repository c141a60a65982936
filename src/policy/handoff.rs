//! What a login's authentication tells its session, where the two are in different
//! processes: the record that one writes and the other reads, and whether it is meant for
//! whoever reads it. Where it is kept is `system`'s to know.

use crate::login_token::LoginToken;
use serde_json::{Value, json};

/// A session that begins later than this after its authentication is another one, in
/// seconds.
pub const MOST_AGE: u64 = 600;

/// A process, by its number and when it began, in clock ticks since the boot (proc(5)):
/// numbers come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its pid.
    pub pid: u32,
    /// `starttime`
    pub start: u64,
}

/// Where a record is written or read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// The kernel's id of this boot.
    pub boot: String,
    /// The account, as the host program names it.
    pub account: String,
    /// Its uid.
    pub uid: u32,
    /// The PAM service.
    pub service: String,
    /// This process.
    pub own: Process,
    /// The one that started it.
    pub parent: Process,
    /// Seconds since the boot, which no clock that is set moves (CLOCK_BOOTTIME).
    pub uptime: u64,
}

/// What is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it was written.
    pub here: Here,
    /// How the login came about.
    pub proof: Proof,
    /// Seconds until the token's `exp`, when it was written.
    pub left: u64,
    /// Whether the session ends with that token.
    pub ends: bool,
    /// The methods that sshd named at that time; empty elsewhere.
    pub ssh_methods: String,
}

/// What authenticate knows of who logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A token that a rule allows.
    Token(LoginToken),
    /// What the modules above asked for, at this time, in seconds since the epoch.
    Asked(u64),
}

/// Why a record is not for whoever reads it; for the log.
pub type Mismatch = &'static str;

impl Record {
    /// Whether the record is for the session that begins `here`.
    ///
    /// # Errors
    /// [`Mismatch`]
    pub fn fits(&self, here: &Here) -> Result<(), Mismatch> {
        let there = &self.here;
        for (fits, mismatch) in [
            (there.boot == here.boot, "it is of another boot"),
            (there.account == here.account, "it is another account's"),
            (there.uid == here.uid, "it is another uid's"),
            (there.service == here.service, "it is another service's"),
            (self.names(here.own), "it is another process's"),
            (
                // A clock that only goes forward has not gone back.
                there.uptime <= here.uptime && here.uptime.saturating_sub(there.uptime) <= MOST_AGE,
                "it is too old",
            ),
        ] {
            if !fits {
                return Err(mismatch);
            }
        }
        Ok(())
    }

    /// Whether `process` wrote it or started what did.
    pub fn names(&self, process: Process) -> bool {
        [self.here.own, self.here.parent].contains(&process)
    }

    /// As it is kept.
    pub fn to_json(&self) -> String {
        let Here {
            boot,
            account,
            uid,
            service,
            own,
            parent,
            uptime,
        } = &self.here;
        let (token, asked) = match &self.proof {
            Proof::Token(token) => (token.to_json(), Value::Null),
            Proof::Asked(at) => (Value::Null, json!(at)),
        };
        json!({
            "boot": boot, "account": account, "uid": uid, "service": service,
            "pid": own.pid, "start": own.start,
            "ppid": parent.pid, "pstart": parent.start,
            "uptime": uptime, "token": token, "asked": asked, "left": self.left,
            "ends": self.ends, "ssh_methods": self.ssh_methods,
        })
        .to_string()
    }

    /// Reads what [`Record::to_json`] wrote.
    pub fn from_json(text: &[u8]) -> Option<Self> {
        let all = jose::json::object(text).ok()?;
        let text = |name| Some(all.get(name)?.as_str()?.to_owned());
        let number = |name| all.get(name)?.as_u64();
        let small = |name| u32::try_from(number(name)?).ok();
        let process = |pid, start| {
            Some(Process {
                pid: small(pid)?,
                start: number(start)?,
            })
        };
        let proof = match (all.get("token")?, number("asked")) {
            (Value::Null, Some(at)) => Proof::Asked(at),
            (token, None) => Proof::Token(LoginToken::from_json(token)?),
            _ => return None,
        };
        Some(Self {
            here: Here {
                boot: text("boot")?,
                account: text("account")?,
                uid: small("uid")?,
                service: text("service")?,
                own: process("pid", "start")?,
                parent: process("ppid", "pstart")?,
                uptime: number("uptime")?,
            },
            proof,
            left: number("left")?,
            ends: all.get("ends")?.as_bool()?,
            ssh_methods: text("ssh_methods")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::login_token::Authenticated;

    fn token() -> Proof {
        Proof::Token(LoginToken {
            issuer: "https://i".to_owned(),
            subject: Some("s".to_owned()),
            id: None,
            expires: 2000,
            authenticated: Authenticated::default(),
            may_issue: true,
        })
    }

    fn record(proof: Proof) -> Record {
        Record {
            here: Here {
                boot: "b".to_owned(),
                account: "alice".to_owned(),
                uid: 1000,
                service: "sshd".to_owned(),
                own: Process {
                    pid: 20,
                    start: 200,
                },
                parent: Process {
                    pid: 10,
                    start: 100,
                },
                uptime: 5000,
            },
            proof,
            left: 60,
            ends: true,
            ssh_methods: "publickey ssh-ed25519 AAAA\n".to_owned(),
        }
    }

    #[test]
    fn it_is_for_its_own_process_and_its_parent_account_service_and_ten_minutes() {
        let record = record(token());
        let own = record.here.clone();
        let parent = Here {
            own: own.parent,
            ..own.clone()
        };
        for here in [&own, &parent] {
            assert_eq!(record.fits(here), Ok(()));
            let last = Here {
                uptime: 5600,
                ..here.clone()
            };
            assert_eq!(record.fits(&last), Ok(()));
        }
        let other = |change: fn(&mut Here)| {
            let mut here = own.clone();
            change(&mut here);
            record.fits(&here).unwrap_err()
        };
        for (mismatch, says) in [
            (other(|here| here.boot.push('x')), "boot"),
            (other(|here| here.account = "Alice".to_owned()), "account"),
            (other(|here| here.uid = 0), "uid"),
            (other(|here| here.service = "sudo".to_owned()), "service"),
            (other(|here| here.own.pid = 30), "process"),
            (other(|here| here.own.start = 201), "process"),
            (
                other(|here| {
                    here.own = Process {
                        pid: 10,
                        start: 200,
                    }
                }),
                "process",
            ),
            (other(|here| here.uptime = 5601), "old"),
            (other(|here| here.uptime = 4999), "old"),
        ] {
            assert!(mismatch.contains(says), "{mismatch}");
        }
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        for proof in [token(), Proof::Asked(7)] {
            let record = record(proof);
            let text = record.to_json();
            assert_eq!(Record::from_json(text.as_bytes()), Some(record));
            // One that was not written to its end, or holds something else.
            for end in 0..text.len() {
                assert_eq!(Record::from_json(&text.as_bytes()[..end]), None);
            }
            let all: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
            for name in all.keys() {
                let mut less = all.clone();
                less.remove(name);
                let read = Record::from_json(Value::Object(less).to_string().as_bytes());
                let is_asked = name == "asked" && read.is_some();
                assert!(read.is_none() || is_asked, "{name}");
            }
        }
    }
}

//! What goes on between the pages that one person is shown: kept in memory, for ten minutes, and
//! for the browser alone in which it began.

use super::request::AuthorizationRequest;
use crate::error::OAuthError;
use crate::limits::origin::Origin;
use crate::pages::Notice;
use crate::resource_owner::message::Message;
use crate::resource_owner::waiting::{Id, Waiting};
use crate::store::Device;
use crate::token::secret;
use clients::Client;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// For how many seconds.
pub const LIFETIME: u64 = 600;

/// One of them.
pub struct Interaction {
    /// What for.
    pub errand: Errand,
    /// The digest of the browser's cookie.
    browser: String,
    /// How far it is. Of two requests at once, such as those of a double click, the second finds
    /// what the first has left.
    pub progress: tokio::sync::Mutex<Progress>,
}

/// What somebody logs in for.
pub enum Errand {
    /// To answer a client's request.
    Authorize {
        /// The request.
        request: Box<AuthorizationRequest>,
        /// The digest of the reference under which the client has pushed it (RFC 9126).
        pushed: Option<String>,
    },
    /// To let a device in (RFC 8628 §3.3).
    Device {
        /// The user code in the address (`verification_uri_complete`), or nothing.
        hint: String,
    },
}

/// How far it is.
#[derive(Default)]
pub struct Progress {
    /// Grows with every step: a form of an earlier one is not taken.
    pub step: u64,
    /// What is asked.
    pub stage: Stage,
    /// The account's name, as it was typed or hinted at.
    pub account: String,
    /// What there is to say on the next page.
    pub notices: Vec<Notice>,
    /// The digest of the session of who has logged in for this.
    pub session: Option<String>,
    /// Who was asked for consent.
    pub asked: Option<String>,
    /// The device whose code was typed.
    pub device: Option<Found>,
    /// How it ended.
    pub end: Option<End>,
}

/// What is asked.
#[derive(Default)]
pub enum Stage {
    /// Who it is.
    #[default]
    Name,
    /// What PAM wants to know.
    Prompts {
        /// Its messages.
        messages: Vec<Message>,
        /// Where the login waits.
        login: Id,
    },
}

/// A device of which somebody knows the user code.
pub struct Found {
    /// The code, as it is shown.
    pub shown: String,
    /// Its digest.
    pub digest: String,
    /// Who asks.
    pub client: Client,
    /// What for.
    pub device: Device,
}

/// How it ended. Who comes back is told the same again.
#[derive(Clone)]
pub enum End {
    /// The browser was sent there.
    SentTo {
        /// Where, with the answer in it.
        address: String,
        /// The digest of the session that it is for. Below a path the browser's cookie can be
        /// another host's doing: nobody else gets the answer.
        session: String,
    },
    /// The client's fault was told here, and the browser sent nowhere.
    Refused(OAuthError),
    /// What became of the device.
    Told(&'static str, &'static str),
}

impl End {
    /// With this answer for the session of that digest, or without one.
    #[must_use]
    pub fn of(answer: Result<String, OAuthError>, session: &str) -> Self {
        match answer {
            Ok(address) => Self::SentTo {
                address,
                session: session.to_owned(),
            },
            Err(error) => Self::Refused(error),
        }
    }
}

impl Interaction {
    /// Whether it is this browser's.
    #[must_use]
    pub fn is_of(&self, browser: &str) -> bool {
        self.browser == secret::digest(browser)
    }

    /// Who asks, where that is known from the beginning.
    #[must_use]
    pub fn client(&self) -> Option<&Client> {
        match &self.errand {
            Errand::Authorize { request, .. } => Some(&request.client),
            Errand::Device { .. } => None,
        }
    }

    /// Where its forms lead beside this server.
    #[must_use]
    pub fn sources(&self) -> String {
        match &self.errand {
            Errand::Authorize { request, .. } => request.destination.sources(),
            Errand::Device { .. } => String::new(),
        }
    }
}

impl Progress {
    /// Goes one step further.
    pub fn turn(&mut self, stage: Stage) {
        self.stage = stage;
        self.step = self.step.saturating_add(1);
    }
}

/// All of them. Who floods them loses what is his.
pub struct Interactions {
    waiting: Mutex<Waiting<Arc<Interaction>>>,
    /// Held while a user code is looked up and a wrong one counted, so that many tries at once are
    /// no more than one after the other.
    pub user_code: tokio::sync::Mutex<()>,
}

impl Interactions {
    /// None yet; of at most so many.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            waiting: Mutex::new(Waiting::new(most, LIFETIME)),
            user_code: tokio::sync::Mutex::default(),
        }
    }

    /// Begins one, in the browser of this cookie; none where there is no room.
    pub fn begin(
        &self,
        now: u64,
        origin: Origin,
        browser: &str,
        errand: Errand,
        account: String,
    ) -> Option<Id> {
        let progress = Progress {
            account,
            ..Progress::default()
        };
        let interaction = Interaction {
            errand,
            browser: secret::digest(browser),
            progress: tokio::sync::Mutex::new(progress),
        };
        let kept = self.waiting().put(now, origin, Arc::new(interaction));
        kept.ok()
    }

    /// The one of this id.
    #[must_use]
    pub fn get(&self, now: u64, id: &str) -> Option<Arc<Interaction>> {
        self.waiting().get(now, id).cloned()
    }

    /// Forgets what is over.
    pub fn sweep(&self, now: u64) {
        self.waiting().sweep(now);
    }

    // It is not left half changed by a panic.
    fn waiting(&self) -> MutexGuard<'_, Waiting<Arc<Interaction>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn begin(interactions: &Interactions, now: u64, host: u8) -> Option<Id> {
        let origin = Origin::from(IpAddr::from([192, 0, 2, host]));
        let errand = Errand::Device {
            hint: String::new(),
        };
        interactions.begin(now, origin, "browser", errand, String::new())
    }

    #[test]
    fn one_is_its_browser_s_for_ten_minutes() {
        let interactions = Interactions::new(10);
        let id = begin(&interactions, 100, 1).unwrap();
        let found = interactions.get(699, &id).unwrap();
        assert!(found.is_of("browser") && !found.is_of("another"));
        assert!(interactions.get(700, &id).is_none());
        assert!(interactions.get(100, "").is_none());
    }

    #[test]
    fn a_flood_drowns_itself() {
        let interactions = Interactions::new(10);
        let own = begin(&interactions, 100, 1).unwrap();
        for _ in 0..1000 {
            begin(&interactions, 100, 2);
        }
        assert!(interactions.get(100, &own).is_some());
        assert!(begin(&interactions, 100, 3).is_some());
        assert!(interactions.get(100, &own).is_some());
        interactions.sweep(700);
        assert!(interactions.get(100, &own).is_none());
    }
}

//! The logins of the server: conversations with PAM that go on over several requests, as many and
//! as often as the limits allow. What a page or a grant calls.

use super::client::{Conversation, Owners, Step};
use super::message::{Message, Outcome, Reason, Secret, Start};
use super::waiting::{Id, Waiting};
use crate::limits::guesses::{Decision, Guesses};
use crate::limits::origin::Origin;
use crate::log::audit::{Event, Kind};
use crate::metrics::Metrics;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use system::account_db;

/// The logins.
pub struct Logins {
    owners: Owners,
    waiting: Mutex<Waiting<Login>>,
    guesses: Mutex<Guesses>,
    metrics: Arc<Metrics>,
}

/// One that goes on.
struct Login {
    conversation: Conversation,
    account: String,
    peer: IpAddr,
    /// Whether it was counted as a try.
    is_counted: bool,
}

impl Login {
    fn origin(&self) -> Origin {
        Origin::from(self.peer)
    }
}

/// What is next in a login.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Prompts, and texts before them, that are to be shown; their answers are for
    /// [`Logins::go_on`] with this id.
    Ask(Id, Vec<Message>),
    /// Texts that are to be shown while PAM waits for something. After a moment the page goes on
    /// with this id and without answers.
    Tell(Id, Vec<Message>),
    /// The end, and the texts that came with it.
    Done(Outcome, Vec<Message>),
    /// There were too many tries: this one may be made after so many seconds.
    Wait(u64),
    /// There is no such login: it has ended, or another request is busy with it.
    Gone,
}

impl Logins {
    /// None yet; at most `most` wait for their next request, each for `time` seconds.
    #[must_use]
    pub fn new(owners: Owners, most: usize, time: u64, metrics: Arc<Metrics>) -> Self {
        Self {
            owners,
            waiting: Mutex::new(Waiting::new(most, time)),
            guesses: Mutex::default(),
            metrics,
        }
    }

    /// How many conversations with PAM are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.owners.held()
    }

    /// Begins a login at `now`, in seconds. That is a try, whether it is answered or not.
    pub async fn begin(&self, now: u64, start: &Start) -> Next {
        match self.start(now, start).await {
            Ok(login) => self.next(now, login).await,
            Err(next) => next,
        }
    }

    /// Begins a login once more, after one that has failed, so that whoever mistyped is asked again
    /// at once. That is a try when it is answered, or where PAM does not ask: nobody has guessed
    /// who leaves then.
    pub async fn begin_again(&self, now: u64, start: &Start) -> Next {
        let origin = Origin::from(start.rhost);
        let decision = self.guesses().judge(now, &start.account, origin);
        let opened = match self.obeyed(decision, start.rhost) {
            Ok(()) => self.opened(now, start).await,
            Err(next) => Err(next),
        };
        match opened {
            Ok(login) => self.next(now, login).await,
            Err(next) => next,
        }
    }

    /// Goes on with the answers to the prompts that were shown, in their order.
    pub async fn go_on(&self, now: u64, id: &str, answers: Vec<Secret>) -> Next {
        let Some(mut login) = self.waiting().take(now, id) else {
            return Next::Gone;
        };
        if let Err(next) = self.count(now, &mut login) {
            return next;
        }
        let conversation = &mut login.conversation;
        let wanted = conversation.prompts() > 0 || !answers.is_empty();
        if wanted && conversation.answer(answers).await.is_err() {
            return Next::Gone;
        }
        self.next(now, login).await
    }

    /// A whole login by one password (RFC 6749 §4.3): [`Next::Done`] or [`Next::Wait`].
    pub async fn with_password(&self, now: u64, start: &Start, password: Secret) -> Next {
        let login = match self.start(now, start).await {
            Ok(login) => login,
            Err(next) => return next,
        };
        let (account, peer) = (login.account, login.peer);
        let outcome = login.conversation.with_password(password).await;
        self.note(now, account, peer, &outcome).await;
        Next::Done(outcome, Vec::new())
    }

    /// Drops the logins that nobody came back for, which ends them.
    pub fn sweep(&self, now: u64) {
        self.waiting().sweep(now);
    }

    async fn start(&self, now: u64, start: &Start) -> Result<Login, Next> {
        let origin = Origin::from(start.rhost);
        let decision = self.guesses().attempt(now, &start.account, origin);
        self.obeyed(decision, start.rhost)?;
        let login = self.opened(now, start).await?;
        Ok(Login {
            is_counted: true,
            ..login
        })
    }

    /// A conversation that is not counted yet.
    async fn opened(&self, now: u64, start: &Start) -> Result<Login, Next> {
        let origin = Origin::from(start.rhost);
        let refused = |reason| {
            self.refused(reason, None, start.rhost);
            Next::Done(Outcome::Refused(reason), Vec::new())
        };
        let conversation = match self.owners.start(start).await {
            Err(Reason::Busy) if self.made_room(now, origin) => self.owners.start(start).await,
            conversation => conversation,
        };
        Ok(Login {
            conversation: conversation.map_err(refused)?,
            account: start.account.clone(),
            peer: start.rhost,
            is_counted: false,
        })
    }

    /// Counts it as a try, once.
    fn count(&self, now: u64, login: &mut Login) -> Result<(), Next> {
        if std::mem::replace(&mut login.is_counted, true) {
            return Ok(());
        }
        let decision = self.guesses().attempt(now, &login.account, login.origin());
        self.obeyed(decision, login.peer)
    }

    fn obeyed(&self, decision: Decision, peer: IpAddr) -> Result<(), Next> {
        match decision {
            Decision::Allowed => Ok(()),
            Decision::Wait(seconds) => {
                self.refused(Reason::TooManyTries, None, peer);
                Err(Next::Wait(seconds))
            }
        }
    }

    /// Ends a login that has to give way.
    fn made_room(&self, now: u64, origin: Origin) -> bool {
        self.waiting().make_room(now, origin).is_some()
    }

    async fn next(&self, now: u64, mut login: Login) -> Next {
        let step = login.conversation.next().await;
        if !matches!(step, Step::Ask(_))
            && let Err(next) = self.count(now, &mut login)
        {
            return next;
        }
        match step {
            Step::Ask(messages) => self.wait(now, login, messages, Next::Ask),
            Step::Tell(messages) => self.wait(now, login, messages, Next::Tell),
            Step::Done(outcome, messages) => {
                self.note(now, login.account, login.peer, &outcome).await;
                Next::Done(outcome, messages)
            }
        }
    }

    fn wait(
        &self,
        now: u64,
        login: Login,
        messages: Vec<Message>,
        next: fn(Id, Vec<Message>) -> Next,
    ) -> Next {
        let peer = login.peer;
        let put = self.waiting().put(now, login.origin(), login);
        match put {
            Ok(id) => next(id, messages),
            Err(_) => {
                self.refused(Reason::Busy, None, peer);
                Next::Done(Outcome::Refused(Reason::Busy), Vec::new())
            }
        }
    }

    async fn note(&self, now: u64, account: String, peer: IpAddr, outcome: &Outcome) {
        match outcome {
            Outcome::Granted(owner) => {
                self.guesses().succeeded(now, &account, Origin::from(peer));
                self.metrics.tell(&Event {
                    account: Some(&owner.account),
                    peer: Some(peer),
                    ..Event::new(Kind::Login)
                });
            }
            Outcome::Refused(reason) => {
                // What is no account's name may be a password.
                let known = tokio::task::spawn_blocking(move || {
                    let uid = account_db::uid_of(&account);
                    uid.ok().flatten().map(|_| account)
                });
                let account = known.await.ok().flatten();
                self.refused(*reason, account.as_deref(), peer);
            }
        }
    }

    fn refused(&self, reason: Reason, account: Option<&str>, peer: IpAddr) {
        self.metrics.tell(&Event {
            refused: Some(reason.code()),
            account,
            peer: Some(peer),
            ..Event::new(Kind::Login)
        });
    }

    // Neither is left half changed by a panic.
    fn waiting(&self) -> MutexGuard<'_, Waiting<Login>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn guesses(&self) -> MutexGuard<'_, Guesses> {
        self.guesses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "logins_tests.rs"]
mod tests;

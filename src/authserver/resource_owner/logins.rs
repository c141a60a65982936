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

    /// Goes on with the answers to the prompts that were shown, in their order.
    pub async fn go_on(&self, now: u64, id: &str, answers: Vec<Secret>) -> Next {
        let Some(mut login) = self.waiting().take(now, id) else {
            return Next::Gone;
        };
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
        if let Decision::Wait(seconds) = decision {
            self.refused(Reason::TooManyTries, None, start.rhost);
            return Err(Next::Wait(seconds));
        }
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
        })
    }

    /// Ends a login that has to give way.
    fn made_room(&self, now: u64, origin: Origin) -> bool {
        self.waiting().make_room(now, origin).is_some()
    }

    async fn next(&self, now: u64, mut login: Login) -> Next {
        match login.conversation.next().await {
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
mod tests {
    use super::super::frame;
    use super::super::message::{Answers, Granted, Purpose, Report, Style};
    use super::*;
    use crate::serve::channel::{Received, receive};
    use std::net::IpAddr;
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    const NOW: u64 = 1_800_000_000;

    /// Logins with "right" for everybody's password, from a monitor that stands in for PAM. (The
    /// real ones are in tests/hosts.)
    fn logins(most: usize) -> Logins {
        let (channel, monitor) = UnixStream::pair().unwrap();
        thread::spawn(move || {
            loop {
                match receive(&monitor).unwrap() {
                    Received::Request(_, socket) => {
                        thread::spawn(move || converse(UnixStream::from(socket)));
                    }
                    Received::Closed => return,
                    _ => thread::sleep(Duration::from_millis(1)),
                }
            }
        });
        let owners = Owners::new(Arc::new(channel), most, Duration::from_secs(100));
        Logins::new(owners, most, 100, Arc::default())
    }

    fn converse(mut socket: UnixStream) -> Option<()> {
        let start: Start = frame::read(&mut socket).ok()?;
        let prompt = Report::Messages(vec![Message::new(Style::Hidden, "Password: ")]);
        frame::write(&mut socket, &prompt).ok()?;
        let answers: Answers = frame::read(&mut socket).ok()?;
        let outcome = if answers.answers[0].text() == "right" {
            Outcome::Granted(Granted {
                account: start.account,
                uid: 1000,
                groups: Vec::new(),
                amr: Vec::new(),
                changed_password: false,
            })
        } else {
            Outcome::Refused(Reason::AuthenticationFailed)
        };
        frame::write(&mut socket, &Report::Outcome(outcome)).ok()
    }

    fn start(account: &str, host: u8) -> Start {
        Start {
            account: account.to_owned(),
            rhost: IpAddr::from([192, 0, 2, host]),
            purpose: Purpose::Page,
        }
    }

    async fn asked(logins: &Logins, now: u64, start: &Start) -> Id {
        match logins.begin(now, start).await {
            Next::Ask(id, messages) => {
                assert_eq!(messages.len(), 1);
                id
            }
            other => panic!("{other:?}"),
        }
    }

    async fn tried(logins: &Logins, now: u64, start: &Start, password: &str) -> Next {
        match logins.begin(now, start).await {
            Next::Ask(id, _) => logins.go_on(now, &id, vec![Secret::from(password)]).await,
            other => other,
        }
    }

    fn is_granted(next: &Next) -> bool {
        matches!(next, Next::Done(Outcome::Granted(_), _))
    }

    #[tokio::test]
    async fn a_login_goes_on_once_by_its_id() {
        let logins = logins(8);
        let id = asked(&logins, NOW, &start("alice", 1)).await;
        assert_eq!(logins.go_on(NOW, "another", Vec::new()).await, Next::Gone);
        let right = || vec![Secret::from("right")];
        assert!(is_granted(&logins.go_on(NOW, &id, right()).await));
        assert_eq!(logins.go_on(NOW, &id, right()).await, Next::Gone);
        // Another number of answers ends it.
        for answers in [Vec::new(), [right(), right()].concat()] {
            let id = asked(&logins, NOW, &start("alice", 1)).await;
            assert_eq!(logins.go_on(NOW, &id, answers).await, Next::Gone);
            assert_eq!(logins.go_on(NOW, &id, right()).await, Next::Gone);
        }
        let late = asked(&logins, NOW, &start("alice", 1)).await;
        assert_eq!(logins.go_on(NOW + 100, &late, right()).await, Next::Gone);
    }

    /// Checklist: C.19
    #[tokio::test]
    async fn wrong_passwords_are_slowed_and_the_owner_is_not_locked_out() {
        let logins = logins(8);
        let home = start("alice", 1);
        assert!(is_granted(&tried(&logins, NOW, &home, "right").await));
        let mut tries = 0;
        for host in 2..=255 {
            let next = tried(&logins, NOW, &start("alice", host), "wrong").await;
            tries += usize::from(matches!(next, Next::Done(..)));
        }
        assert!(tries < 30, "{tries}");
        let stranger = tried(&logins, NOW, &start("alice", 9), "right").await;
        assert!(matches!(stranger, Next::Wait(1..=60)), "{stranger:?}");
        assert!(is_granted(&tried(&logins, NOW, &home, "right").await));
        // The same count holds for the grant that has a password.
        let guess = Secret::from("right");
        let next = logins
            .with_password(NOW, &start("alice", 9), guess.clone())
            .await;
        assert!(matches!(next, Next::Wait(_)), "{next:?}");
        assert!(is_granted(&logins.with_password(NOW, &home, guess).await));
    }

    #[tokio::test]
    async fn one_address_does_not_keep_the_others_out() {
        let logins = logins(8);
        let mut first = Vec::new();
        for number in 0..4 {
            first.push(asked(&logins, NOW, &start(&format!("user{number}"), 1)).await);
        }
        // It has its half; there are six, since one is left for those that end, and one for checks.
        for host in [3, 4] {
            asked(&logins, NOW, &start("user", host)).await;
        }
        let busy = Next::Done(Outcome::Refused(Reason::Busy), Vec::new());
        assert_eq!(logins.begin(NOW, &start("more", 1)).await, busy);
        assert!(is_granted(
            &tried(&logins, NOW, &start("alice", 2), "right").await
        ));
        // The oldest has given way, and the others go on.
        let right = || vec![Secret::from("right")];
        assert_eq!(logins.go_on(NOW, &first[0], right()).await, Next::Gone);
        assert!(is_granted(&logins.go_on(NOW, &first[1], right()).await));
        logins.sweep(NOW + 100);
        assert_eq!(logins.go_on(NOW, &first[2], right()).await, Next::Gone);
    }
}

//! The network process's side of conversations with PAM.

use super::frame;
use super::message::{Answers, Message, Outcome, Reason, Report, Secret, Start};
use crate::clock::Moment;
use crate::serve::channel::{self, Kind};
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream as Channel;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long texts without a prompt wait for what follows, before they are shown by themselves: a
/// wrong password takes 3 seconds. Longer than that a module waits for something that the text
/// tells of, such as a touch of a security key.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much longer than its time an answer of the process is waited for.
const GRACE: Duration = Duration::from_secs(8);

/// No step has more messages.
const MOST_MESSAGES: usize = 64;

/// Starts conversations.
#[derive(Clone)]
pub struct Owners {
    channel: Arc<Channel>,
    slots: Arc<Semaphore>,
    time: Duration,
}

/// What is next in a conversation.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// What is to be shown, the last of it prompts, all of which want an answer at once.
    Ask(Vec<Message>),
    /// Texts that are to be shown while PAM waits for something: there is nothing to answer, and
    /// after a while what is next is to be asked for again.
    Tell(Vec<Message>),
    /// The end, and the texts that came with it.
    Done(Outcome, Vec<Message>),
}

impl Owners {
    /// Those of this machine, by the socket to the monitor. The monitor holds `most`
    /// conversations at once and ends them after `time`; an eighth of them is left for those that
    /// were given up and have not ended yet.
    #[must_use]
    pub fn new(channel: Arc<Channel>, most: usize, time: Duration) -> Self {
        Self {
            channel,
            slots: Arc::new(Semaphore::new((most - most / 8).max(1))),
            time,
        }
    }

    /// Begins a conversation. Dropping it ends it.
    ///
    /// # Errors
    /// [`Reason::Busy`] where there are as many as there may be; [`Reason::Unavailable`].
    pub async fn start(&self, start: &Start) -> Result<Conversation, Reason> {
        let slot = Arc::clone(&self.slots).try_acquire_owned();
        let slot = slot.map_err(|_| Reason::Busy)?;
        let ask = || {
            let stream = channel::ask(&*self.channel, Kind::Conversation)?;
            stream.set_nonblocking(true)?;
            UnixStream::from_std(stream)
        };
        let mut conversation = Conversation {
            stream: ask().map_err(|_| Reason::Unavailable)?,
            received: Vec::new(),
            texts: Vec::new(),
            prompts: 0,
            began: Moment::now(),
            time: self.time,
            _slot: slot,
        };
        let said = conversation.say(start).await;
        said.map_err(|_| Reason::Unavailable)?;
        Ok(conversation)
    }
}

/// A conversation with PAM.
pub struct Conversation {
    stream: UnixStream,
    received: Vec<u8>,
    texts: Vec<Message>,
    prompts: usize,
    began: Moment,
    time: Duration,
    _slot: OwnedSemaphorePermit,
}

impl Conversation {
    /// What is next. Before that, every prompt of the last step has to be answered.
    pub async fn next(&mut self) -> Step {
        loop {
            let left = (self.time + GRACE).saturating_sub(self.began.age());
            let patient = self.texts.is_empty() || left < PATIENCE;
            let wait = if patient { left } else { PATIENCE };
            let report = match timeout(wait, self.report()).await {
                Ok(Ok(report)) => report,
                Ok(Err(_)) => return self.done(Outcome::Refused(Reason::Unavailable)),
                Err(_) if patient => return self.done(Outcome::Refused(Reason::TimedOut)),
                Err(_) => return Step::Tell(std::mem::take(&mut self.texts)),
            };
            match report {
                Report::Outcome(outcome) => return self.done(outcome),
                Report::Messages(messages) => {
                    let prompts = messages.iter().filter(|message| message.style.is_prompt());
                    self.prompts = prompts.count();
                    self.texts.extend(messages);
                    if self.texts.len() > MOST_MESSAGES {
                        return self.done(Outcome::Refused(Reason::Unavailable));
                    }
                    if self.prompts > 0 {
                        return Step::Ask(std::mem::take(&mut self.texts));
                    }
                }
            }
        }
    }

    /// How many answers are wanted.
    #[must_use]
    pub const fn prompts(&self) -> usize {
        self.prompts
    }

    /// Answers the prompts of the last step, in their order.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for another number of answers, of which nothing is said to
    /// PAM. What else goes wrong, [`next`](Self::next) tells.
    pub async fn answer(&mut self, answers: Vec<Secret>) -> io::Result<()> {
        if answers.len() != self.prompts || answers.is_empty() {
            return Err(ErrorKind::InvalidInput.into());
        }
        self.prompts = 0;
        match self.say(&Answers { answers }).await {
            Err(error) if error.kind() == ErrorKind::InvalidData => Err(error),
            _ => Ok(()),
        }
    }

    /// Goes through a conversation that wants one secret and nothing else (RFC 6749 §4.3).
    pub async fn with_password(mut self, password: Secret) -> Outcome {
        let mut password = Some(password);
        loop {
            match (self.next().await, password.take()) {
                (Step::Done(outcome, _), _) => return outcome,
                (Step::Tell(_), kept) => password = kept,
                (Step::Ask(_), Some(password)) if self.prompts == 1 => {
                    if self.answer(vec![password]).await.is_err() {
                        return Outcome::Refused(Reason::NoAnswer);
                    }
                }
                // A second factor, which this grant has no way to ask for.
                (Step::Ask(_), _) => return Outcome::Refused(Reason::NoAnswer),
            }
        }
    }

    fn done(&mut self, outcome: Outcome) -> Step {
        self.prompts = 0;
        Step::Done(outcome, std::mem::take(&mut self.texts))
    }

    async fn say(&mut self, message: &impl serde::Serialize) -> io::Result<()> {
        let message = frame::encoded(message)?;
        self.stream.write_all(&message).await
    }

    /// The next report. What has come of it is kept if nobody waits for the rest.
    async fn report(&mut self) -> io::Result<Report> {
        loop {
            if let Some((head, rest)) = self.received.split_first_chunk() {
                let length = frame::length(*head)?;
                if let Some(body) = rest.get(..length) {
                    let report = frame::decoded(body);
                    self.received.drain(..frame::HEAD + length);
                    return report;
                }
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

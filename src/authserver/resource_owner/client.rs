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
    most: usize,
    checks: Arc<Semaphore>,
    limits: Limits,
}

/// How long what is waited for.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// The end of a conversation.
    whole: Duration,
    /// What follows a text without a prompt.
    patience: Duration,
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
    /// were given up and have not ended yet, and another for checks of accounts, so that neither
    /// these nor logins keep the others out.
    #[must_use]
    pub fn new(channel: Arc<Channel>, most: usize, time: Duration) -> Self {
        let part = most / 8;
        let checks = part.max(1);
        let most = most.saturating_sub(part + checks).max(1);
        Self {
            channel,
            slots: Arc::new(Semaphore::new(most)),
            most,
            checks: Arc::new(Semaphore::new(checks)),
            limits: Limits {
                whole: time + GRACE,
                patience: PATIENCE,
            },
        }
    }

    /// How many conversations are held.
    #[must_use]
    pub fn held(&self) -> usize {
        self.most.saturating_sub(self.slots.available_permits())
    }

    /// Begins a conversation. Dropping it ends it.
    ///
    /// # Errors
    /// [`Reason::Busy`] where there are as many as there may be; [`Reason::Unavailable`].
    pub async fn start(&self, start: &Start) -> Result<Conversation, Reason> {
        let slot = Arc::clone(&self.slots).try_acquire_owned();
        self.begin(start, slot.map_err(|_| Reason::Busy)?).await
    }

    /// Waits for a turn to check an account.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, Reason> {
        let turn = Arc::clone(&self.checks).acquire_owned().await;
        turn.map_err(|_| Reason::Unavailable)
    }

    pub(super) async fn begin(
        &self,
        start: &Start,
        slot: OwnedSemaphorePermit,
    ) -> Result<Conversation, Reason> {
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
            limits: self.limits,
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
    limits: Limits,
    _slot: OwnedSemaphorePermit,
}

impl Conversation {
    /// What is next. Before that, every prompt of the last step has to be answered.
    pub async fn next(&mut self) -> Step {
        loop {
            let left = self.limits.whole.saturating_sub(self.began.age());
            let patience = self.limits.patience;
            let patient = self.texts.is_empty() || left < patience;
            let wait = if patient { left } else { patience };
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

#[cfg(test)]
mod tests {
    use super::super::message::{Granted, Purpose, Style};
    use super::*;
    use crate::serve::channel::{Received, receive};
    use std::io::Write;
    use std::thread;

    /// The monitor's end of the channel.
    fn owners(most: usize) -> (Owners, Channel) {
        let (ours, theirs) = Channel::pair().unwrap();
        let owners = Owners::new(Arc::new(ours), most, Duration::from_secs(100));
        (owners, theirs)
    }

    /// The socket of the conversation that was asked for.
    fn asked(monitor: &Channel) -> Channel {
        match receive(monitor).unwrap() {
            Received::Request(Kind::Conversation, socket) => Channel::from(socket),
            other => panic!("{other:?}"),
        }
    }

    fn start() -> Start {
        Start {
            account: "alice".to_owned(),
            rhost: [192, 0, 2, 7].into(),
            purpose: Purpose::Page,
        }
    }

    fn messages(styles: &[Style]) -> Vec<Message> {
        let message = |style: &Style| Message::new(*style, &format!("{style:?}"));
        styles.iter().map(message).collect()
    }

    fn granted() -> Outcome {
        Outcome::Granted(Granted {
            account: "alice".to_owned(),
            uid: 1000,
            groups: Vec::new(),
            amr: vec!["pwd".to_owned()],
            changed_password: false,
        })
    }

    /// What the process says, before it closes the socket or reads so many answers.
    fn says(socket: &mut Channel, report: &Report) {
        frame::write(socket, report).unwrap();
    }

    #[tokio::test]
    async fn a_step_has_the_texts_up_to_the_prompts_that_come_together() {
        use Style::{Error, Hidden, Info, Visible};
        let (owners, monitor) = owners(8);
        let mut conversation = owners.start(&start()).await.unwrap();
        let mut socket = asked(&monitor);
        let process = thread::spawn(move || {
            assert_eq!(frame::read::<Start>(&mut socket).unwrap(), start());
            says(&mut socket, &Report::Messages(messages(&[Info])));
            says(
                &mut socket,
                &Report::Messages(messages(&[Visible, Error, Hidden])),
            );
            let answers: Answers = frame::read(&mut socket).unwrap();
            let answers: Vec<&str> = answers.answers.iter().map(Secret::text).collect();
            assert_eq!(answers, ["blue", "secret"]);
            says(&mut socket, &Report::Messages(messages(&[Info])));
            says(&mut socket, &Report::Outcome(granted()));
        });
        let step = conversation.next().await;
        assert_eq!(step, Step::Ask(messages(&[Info, Visible, Error, Hidden])));
        assert_eq!(conversation.prompts(), 2);
        for wrong in [&[][..], &["one"], &["one", "two", "three"]] {
            let wrong = wrong.iter().map(|text| Secret::from(*text)).collect();
            assert!(conversation.answer(wrong).await.is_err());
        }
        let answers = ["blue", "secret"].map(Secret::from).to_vec();
        conversation.answer(answers.clone()).await.unwrap();
        // Once, and not once more.
        assert!(conversation.answer(answers).await.is_err());
        let step = conversation.next().await;
        assert_eq!(step, Step::Done(granted(), messages(&[Info])));
        process.join().unwrap();
    }

    #[tokio::test]
    async fn a_report_may_come_in_pieces_and_be_waited_for_twice() {
        let (mut owners, monitor) = owners(8);
        owners.limits.patience = Duration::from_millis(1);
        let mut conversation = owners.start(&start()).await.unwrap();
        let mut socket = asked(&monitor);
        says(&mut socket, &Report::Messages(messages(&[Style::Info])));
        let outcome = frame::encoded(&Report::Outcome(granted())).unwrap();
        let (first, rest) = outcome.split_at(10);
        socket.write_all(first).unwrap();
        // It is a while until the rest comes, and meanwhile the text is shown.
        let step = conversation.next().await;
        assert_eq!(step, Step::Tell(messages(&[Style::Info])));
        socket.write_all(rest).unwrap();
        assert_eq!(conversation.next().await, Step::Done(granted(), Vec::new()));
    }

    #[tokio::test]
    async fn a_process_that_is_gone_or_talks_nonsense_lets_nobody_in() {
        let (owners, monitor) = owners(8);
        let unavailable = Step::Done(Outcome::Refused(Reason::Unavailable), Vec::new());
        let granted = frame::encoded(&Report::Outcome(granted())).unwrap();
        let cut = &granted[..granted.len() - 1];
        for said in [&b""[..], b"\xff\xff\xff\xff", b"\0\0\0\x02{}", cut] {
            let mut conversation = owners.start(&start()).await.unwrap();
            asked(&monitor).write_all(said).unwrap();
            assert_eq!(conversation.next().await, unavailable, "{said:?}");
        }
        let mut conversation = owners.start(&start()).await.unwrap();
        let mut socket = asked(&monitor);
        let flood = Report::Messages(messages(&[Style::Info; MOST_MESSAGES]));
        says(&mut socket, &flood);
        says(&mut socket, &flood);
        let Step::Done(outcome, _) = conversation.next().await else {
            panic!("it goes on");
        };
        assert_eq!(outcome, Outcome::Refused(Reason::Unavailable));
    }

    #[tokio::test]
    async fn a_process_that_never_ends_is_not_waited_for() {
        let (mut owners, monitor) = owners(8);
        owners.limits.whole = Duration::from_millis(1);
        let mut conversation = owners.start(&start()).await.unwrap();
        let _socket = asked(&monitor);
        let late = Step::Done(Outcome::Refused(Reason::TimedOut), Vec::new());
        assert_eq!(conversation.next().await, late);
    }

    #[tokio::test]
    async fn there_are_no_more_conversations_than_there_may_be() {
        let (owners, monitor) = owners(8);
        let mut held = Vec::new();
        // One is left for those that end, and one for checks.
        for _ in 0..6 {
            held.push((owners.start(&start()).await.unwrap(), asked(&monitor)));
        }
        assert_eq!(owners.start(&start()).await.err(), Some(Reason::Busy));
        assert!(matches!(receive(&monitor).unwrap(), Received::Nothing));
        held.pop();
        assert!(owners.start(&start()).await.is_ok());
        drop(monitor);
        held.clear();
        assert_eq!(
            owners.start(&start()).await.err(),
            Some(Reason::Unavailable)
        );
    }

    #[tokio::test]
    async fn one_password_answers_one_prompt() {
        let refused = Outcome::Refused(Reason::NoAnswer);
        let hidden = || Report::Messages(messages(&[Style::Hidden]));
        let both = Report::Messages(messages(&[Style::Visible, Style::Hidden]));
        let info = Report::Messages(messages(&[Style::Info]));
        let cases = [
            (vec![info, hidden(), Report::Outcome(granted())], granted()),
            (vec![hidden(), hidden()], refused.clone()),
            (vec![both], refused),
        ];
        for (reports, expected) in cases {
            let (owners, monitor) = owners(8);
            let conversation = owners.start(&start()).await.unwrap();
            let mut socket = asked(&monitor);
            for report in &reports {
                says(&mut socket, report);
            }
            let outcome = conversation.with_password(Secret::from("secret")).await;
            assert_eq!(outcome, expected, "{reports:?}");
        }
    }
}

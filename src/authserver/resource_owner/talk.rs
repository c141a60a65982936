//! The conversation function of a login (pam_conv(3)): what the modules say goes to the network
//! process as it comes, and its answers to them.

use super::frame;
use super::message::{Answers, Message, Reason, Report};
use crate::clock::Moment;
use pam::{Answer, Code, Style};
use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use system::clock::Deadline;
use zeroize::Zeroizing;

/// What is said, and what is known of it.
pub struct Talk {
    socket: UnixStream,
    end: Deadline,
    /// When the last answer came; before that, when it began.
    answered: Moment,
    /// Whether something was typed hidden.
    typed_hidden: bool,
    /// Why nothing is answered any more.
    over: Option<Reason>,
}

/// A [`Talk`] that libpam has a part in.
#[derive(Clone)]
pub struct Shared(Rc<RefCell<Talk>>);

impl Shared {
    /// A conversation over this socket until then.
    pub fn new(socket: UnixStream, end: Deadline) -> Self {
        Self(Rc::new(RefCell::new(Talk {
            socket,
            end,
            answered: Moment::now(),
            typed_hidden: false,
            over: None,
        })))
    }

    /// When the last answer came; before that, when it began.
    pub fn answered(&self) -> Moment {
        self.0.borrow().answered
    }

    /// Whether something was typed hidden.
    pub fn typed_hidden(&self) -> bool {
        self.0.borrow().typed_hidden
    }

    /// Why nothing was answered any more, if so.
    pub fn over(&self) -> Option<Reason> {
        self.0.borrow().over
    }

    /// Says something.
    ///
    /// # Errors
    /// Where nobody listens.
    pub fn report(&self, report: &Report) -> io::Result<()> {
        frame::write(&mut self.0.borrow_mut().socket, report)
    }
}

impl Talk {
    fn ask(&mut self, messages: &[(Style, &str)]) -> io::Result<Vec<Answer>> {
        let shown = messages
            .iter()
            .map(|(style, text)| Message::new((*style).into(), text));
        let shown: Vec<Message> = shown.collect();
        let is_prompt: Vec<bool> = shown
            .iter()
            .map(|message| message.style.is_prompt())
            .collect();
        frame::write(&mut self.socket, &Report::Messages(shown))?;
        let prompts = is_prompt.iter().filter(|is_prompt| **is_prompt).count();
        let mut answers = Vec::new();
        if prompts > 0 {
            let left = self.end.left();
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            self.socket.set_read_timeout(Some(left))?;
            answers = frame::read::<Answers>(&mut self.socket)?.answers;
            self.answered = Moment::now();
        }
        if answers.len() != prompts {
            return Err(ErrorKind::InvalidData.into());
        }
        let is_hidden = |(style, _): &(Style, &str)| *style == Style::PromptEchoOff;
        self.typed_hidden |= messages.iter().any(is_hidden);
        let mut answers = answers.into_iter();
        let answer = |is_prompt: bool| {
            let answer = is_prompt.then(|| answers.next()).flatten();
            answer.map(|secret| Zeroizing::new(secret.text().as_bytes().to_vec()))
        };
        Ok(is_prompt.into_iter().map(answer).collect())
    }
}

/// Says nothing and answers nothing.
pub struct Mute;

impl pam::Conversation for Mute {
    fn answer(&mut self, style: Style, _: &str) -> Result<Option<Vec<u8>>, Code> {
        match style {
            Style::PromptEchoOff | Style::PromptEchoOn => Err(Code::ConvErr),
            Style::ErrorMsg | Style::TextInfo => Ok(None),
        }
    }
}

impl pam::Conversation for Shared {
    fn answer(&mut self, style: Style, text: &str) -> Result<Option<Vec<u8>>, Code> {
        let answers = self.answer_all(&[(style, text)])?;
        Ok(answers
            .into_iter()
            .next()
            .flatten()
            .map(|answer| answer.to_vec()))
    }

    fn answer_all(&mut self, messages: &[(Style, &str)]) -> Result<Vec<Answer>, Code> {
        let mut talk = self.0.borrow_mut();
        // Where it is over, no module goes on by itself.
        if talk.over.is_some() {
            return Err(Code::ConvErr);
        }
        talk.ask(messages).map_err(|error| {
            let late = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
            talk.over = Some(if late {
                Reason::TimedOut
            } else {
                Reason::NoAnswer
            });
            Code::ConvErr
        })
    }
}

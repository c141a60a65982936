//! Which prompts of one run are answered with the token, and with what. Pure: where the
//! token comes from and what time it is are arguments.

use crate::prompt::{piece, wanted};
use crate::target::Target;
use crate::token::Token;
use zeroize::Zeroizing;

/// One run of ssh: what has been answered so far.
pub struct Conversation {
    target: Target,
    audiences: Vec<String>,
    force: bool,
    /// What is told with the token's first piece.
    remark: Option<String>,
    /// Whether the token was looked at before ssh started.
    looked: bool,
    /// The key to which the token turned out to be bound when it was asked for.
    too_late: Option<String>,
    state: State,
    told_of_password: bool,
    told_of_another: bool,
}

enum State {
    /// Nobody has asked for the token yet.
    Fresh,
    /// So many bytes of it have been given.
    Giving { token: Token, given: usize },
    /// It was given whole. It is given once: a second attempt of the same token would only
    /// be refused again, and be one failure more for pam_faillock.
    Given,
    /// It could not be had or is not to be sent, and the user was told why.
    Unfit,
}

/// What becomes of a prompt.
pub enum Answer {
    /// It is answered with this, after a word to the user.
    Piece(Zeroizing<Vec<u8>>, Option<String>),
    /// It goes to the terminal, as it would without jwt-ssh, after a word to the user.
    Terminal(Option<String>),
    /// It fails, after a word to the user, who asked not to be asked.
    Fail(Option<String>),
}

impl Conversation {
    /// None yet with `target`, which goes by one of `audiences` in tokens; `force` lifts
    /// that check.
    pub const fn new(target: Target, audiences: Vec<String>, force: bool) -> Self {
        Self {
            target,
            audiences,
            force,
            remark: None,
            looked: false,
            too_late: None,
            state: State::Fresh,
            told_of_password: false,
            told_of_another: false,
        }
    }

    /// The token was looked at before ssh started, and of that the user is to be told
    /// `remark` when the host asks for it.
    pub fn of_known_token(mut self, remark: Option<String>) -> Self {
        self.looked = true;
        self.remark = remark;
        self
    }

    /// Whether the token has been given and is gone.
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Given)
    }

    /// Answers a prompt at `now` (seconds since the epoch). `source` gets the token, or
    /// says why there is none; it is asked at most once.
    pub fn answer(
        &mut self,
        prompt: &[u8],
        now: u64,
        source: impl FnOnce() -> Result<Token, String>,
    ) -> Answer {
        match self.token_or_terminal(prompt, now, source) {
            Answer::Terminal(word) if self.target.batch => Answer::Fail(word),
            answer => answer,
        }
    }

    fn token_or_terminal(
        &mut self,
        prompt: &[u8],
        now: u64,
        source: impl FnOnce() -> Result<Token, String>,
    ) -> Answer {
        if self.target.is_password_method(prompt) {
            return self.password_method();
        }
        let Some(said) = self.target.said_by_server(prompt) else {
            return self.left_to_the_user(prompt);
        };
        let Some(offset) = wanted(said) else {
            return Answer::Terminal(None);
        };
        let host = &self.target.host;
        // Whatever this does not undo has ended it.
        match (std::mem::replace(&mut self.state, State::Given), offset) {
            (State::Fresh, 0) => {
                let token = source().and_then(|token| {
                    token
                        .check(&self.audiences, now, self.force)
                        .map_err(|unfit| format!("the token was not sent to {host}: {unfit}"))?;
                    Ok(token)
                });
                match token {
                    Ok(token) => {
                        let unseen = token.binding().filter(|_| !self.looked);
                        self.too_late = unseen.and_then(Result::ok).map(|key| key.to_string());
                        self.give(token, 0)
                    }
                    Err(why) => {
                        self.state = State::Unfit;
                        Answer::Terminal(Some(why))
                    }
                }
            }
            // In order and each once, as pam_jwt asks.
            (State::Giving { token, given }, offset) if offset == given => self.give(token, given),
            (State::Giving { .. }, _) => Answer::Terminal(Some(format!(
                "{host} asked for other pieces of the token than pam_jwt does, and got no more"
            ))),
            (State::Given, 0) => {
                self.state = State::Unfit;
                let mut word =
                    format!("{host} asks again: it did not accept the token, or not alone");
                if let Some(key) = &self.too_late {
                    word.push_str(&format!(
                        ". It is bound to the SSH key with the thumbprint {key}: for ssh to offer \
                         that one first, put `bound = true` under [[host]] in \
                         ~/.config/jwt-ssh/config.toml"
                    ));
                }
                Answer::Terminal(Some(word))
            }
            (state, _) => {
                self.state = state;
                Answer::Terminal(None)
            }
        }
    }

    /// Gives the piece at `offset`, the last of which is shorter than the others.
    fn give(&mut self, token: Token, offset: usize) -> Answer {
        let Some(bytes) = piece(token.as_bytes(), offset) else {
            return Answer::Terminal(None);
        };
        let bytes = Zeroizing::new(bytes.to_vec());
        if bytes.len() == crate::prompt::PIECE {
            let given = offset.saturating_add(bytes.len());
            self.state = State::Giving { token, given };
        }
        Answer::Piece(bytes, self.remark.take())
    }

    /// What becomes of a prompt that is not the host's. It may ask for a token, and the
    /// user is told once why that is not given.
    pub fn left_to_the_user(&mut self, prompt: &[u8]) -> Answer {
        let first = wanted(prompt).is_some() && !std::mem::replace(&mut self.told_of_another, true);
        Answer::Terminal(first.then(|| {
            format!(
                "this question for a token does not come from {} and is left to you: another \
                 host asks on the way there, or ssh is older than 8.5 and does not say who",
                self.target.host
            )
        }))
    }

    fn password_method(&mut self) -> Answer {
        // Who was asked for the token knows more than that already.
        let first = matches!(self.state, State::Fresh)
            && !std::mem::replace(&mut self.told_of_password, true);
        Answer::Terminal(first.then(|| {
            format!(
                "{} asks by the method `password`, which takes no token longer than 1023 bytes, \
                 so that is left to you. For a token of any length its sshd_config needs \
                 KbdInteractiveAuthentication yes.",
                self.target.host
            )
        }))
    }
}

#[cfg(test)]
#[path = "conversation_tests.rs"]
mod tests;

//! Who answers what the modules of a stack ask while it is tried: with one secret, in pieces where
//! pam_jwt.so asks for the next.

use pam::{Code, Conversation, Style};
use std::cell::Cell;
use std::rc::Rc;
use zeroize::Zeroizing;

/// How long a piece of a token is.
const PIECE: usize = 500;
/// A module that never has enough is not answered for ever.
const MOST_QUESTIONS: usize = 200;

/// Somebody with one secret.
pub struct Answers {
    secret: Zeroizing<Vec<u8>>,
    questions: usize,
    asked: Rc<Cell<bool>>,
}

impl Answers {
    /// One with this secret, and whether it was asked for as a token.
    pub fn with(secret: &[u8]) -> (Answers, Rc<Cell<bool>>) {
        let asked = Rc::new(Cell::new(false));
        let answers = Answers {
            secret: Zeroizing::new(secret.to_vec()),
            questions: 0,
            asked: Rc::clone(&asked),
        };
        (answers, asked)
    }
}

impl Conversation for Answers {
    fn answer(&mut self, style: Style, text: &str) -> Result<Option<Vec<u8>>, Code> {
        if !matches!(style, Style::PromptEchoOff | Style::PromptEchoOn) {
            return Ok(None);
        }
        self.questions += 1;
        if self.questions > MOST_QUESTIONS {
            return Err(Code::ConvErr);
        }
        let Some(offset) = offset(text) else {
            return Ok(Some(self.secret.to_vec()));
        };
        self.asked.set(true);
        let rest = self.secret.get(offset..).unwrap_or_default();
        Ok(Some(rest.chunks(PIECE).next().unwrap_or_default().to_vec()))
    }
}

/// Where the piece begins that pam_jwt.so asks for, if it is that which asks.
fn offset(prompt: &str) -> Option<usize> {
    if prompt.ends_with("token: ") {
        return Some(0);
    }
    let (_, digits) = prompt.strip_suffix("]: ")?.rsplit_once("token[")?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_given_in_the_pieces_that_are_asked_for() {
        let secret = vec![b'x'; 1100];
        let (mut answers, asked) = Answers::with(&secret);
        let mut length = |prompt| {
            let answer = answers.answer(Style::PromptEchoOff, prompt).unwrap();
            answer.map(|answer| answer.len())
        };
        assert_eq!((length("Password: "), asked.get()), (Some(1100), false));
        for (prompt, expected) in [
            ("Password or token: ", 500),
            ("token[500]: ", 500),
            ("token[1000]: ", 100),
            ("token[1500]: ", 0),
        ] {
            assert_eq!(
                (length(prompt), asked.get()),
                (Some(expected), true),
                "{prompt}"
            );
        }
        assert_eq!(answers.answer(Style::TextInfo, "token: "), Ok(None));
        let ends = (0..300).any(|_| answers.answer(Style::PromptEchoOn, "?").is_err());
        assert!(ends);
    }
}

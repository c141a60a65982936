//! What the modules ask the application, and how its answers get to them: the conversation function
//! (`pam_conv(3)`), which C calls with an array of messages, and which allocates the array of
//! responses that the module frees.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::ManuallyDrop;
use std::{ptr, slice};

use pam_bindings::constants::{
    PAM_ERROR_MSG, PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON, PAM_TEXT_INFO,
};
use zeroize::{Zeroize, Zeroizing};

use crate::contain::catch;
use crate::{Code, sys};

/// How a message is to be shown, and whether an answer is wanted (`pam_conv(3)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Ask, and do not show what is typed.
    PromptEchoOff,
    /// Ask, and show what is typed.
    PromptEchoOn,
    /// Show an error.
    ErrorMsg,
    /// Show a text.
    TextInfo,
}

/// Whoever answers the modules: a person at a terminal, or a test.
pub trait Conversation {
    /// Shows one message and gives the answer, if one is wanted. The answer is wiped after it was
    /// handed over.
    ///
    /// # Errors
    ///
    /// The code that the module is to get, usually [`Code::ConvErr`]. It also gets that for an
    /// answer that holds a NUL, and if this panics.
    fn answer(&mut self, style: Style, text: &str) -> Result<Option<Vec<u8>>, Code>;

    /// Shows the messages of one call, which belong together, and gives an answer or none to each.
    /// Unless it is implemented they are answered one after the other.
    ///
    /// # Errors
    ///
    /// As those of [`answer`](Self::answer); [`Code::ConvErr`] for another number of answers.
    fn answer_all(&mut self, messages: &[(Style, &str)]) -> Result<Vec<Answer>, Code> {
        messages
            .iter()
            .map(|(style, text)| Ok(self.answer(*style, text)?.map(Zeroizing::new)))
            .collect()
    }
}

/// What is answered to a message, if anything is.
pub type Answer = Option<Zeroizing<Vec<u8>>>;

/// The conversation function, which libpam and the modules call (`pam_conv(3)`).
///
/// # Safety
///
/// `conversation` is the pointer to a `Box<dyn Conversation>` that `start` passed, and not
/// otherwise in use; the others are as that page says.
pub unsafe extern "C" fn converse(
    count: c_int,
    messages: *mut *const sys::Message,
    responses: *mut *mut sys::Response,
    conversation: *mut c_void,
) -> c_int {
    let count = match usize::try_from(count) {
        Ok(count @ 1..=sys::PAM_MAX_NUM_MSG) => count,
        _ => return Code::ConvErr.raw(),
    };
    // SAFETY: `messages` is an array of `count` pointers, and `conversation` is ours alone
    // meanwhile.
    let (messages, conversation) = unsafe {
        let messages = slice::from_raw_parts(messages, count);
        (messages, &mut *conversation.cast::<Box<dyn Conversation>>())
    };
    match catch(|| answer_all(messages, conversation.as_mut())) {
        Ok(Ok(answers)) => {
            // SAFETY: the caller gave a place for the array, and owns it from here on.
            unsafe { *responses = answers.into_raw() };
            Code::Success.raw()
        }
        // Not a success without responses: modules would read what is not there.
        Ok(Err(Code::Success)) | Err(_) => Code::ConvErr.raw(),
        Ok(Err(code)) => code.raw(),
    }
}

fn answer_all(
    messages: &[*const sys::Message],
    conversation: &mut dyn Conversation,
) -> Result<Responses, Code> {
    let mut texts = Vec::with_capacity(messages.len());
    for message in messages {
        // SAFETY: each points to a message, for as long as this call lasts.
        let message = unsafe { message.as_ref() }.ok_or(Code::ConvErr)?;
        let style = match message.msg_style {
            PAM_PROMPT_ECHO_OFF => Style::PromptEchoOff,
            PAM_PROMPT_ECHO_ON => Style::PromptEchoOn,
            PAM_ERROR_MSG => Style::ErrorMsg,
            PAM_TEXT_INFO => Style::TextInfo,
            _ => return Err(Code::ConvErr),
        };
        if message.msg.is_null() {
            return Err(Code::ConvErr);
        }
        // SAFETY: a message of these styles is a C string, for as long as this call lasts.
        texts.push((
            style,
            unsafe { CStr::from_ptr(message.msg) }.to_string_lossy(),
        ));
    }
    let texts: Vec<(Style, &str)> = texts
        .iter()
        .map(|(style, text)| (*style, &**text))
        .collect();
    let answers = conversation.answer_all(&texts)?;
    if answers.len() != messages.len() {
        return Err(Code::ConvErr);
    }
    let mut responses = Responses::new(messages.len())?;
    for (answer, response) in answers.iter().zip(responses.as_mut_slice()) {
        if let Some(answer) = answer {
            response.resp = c_copy(answer)?;
        }
    }
    Ok(responses)
}

/// A copy as C wants it: from calloc, and ended by a NUL.
fn c_copy(bytes: &[u8]) -> Result<*mut c_char, Code> {
    if bytes.contains(&0) {
        return Err(Code::ConvErr);
    }
    // SAFETY: plain allocation.
    let copy = unsafe { libc::calloc(bytes.len() + 1, 1) }.cast::<u8>();
    if copy.is_null() {
        return Err(Code::BufErr);
    }
    // SAFETY: `copy` is new and has room for the bytes and a NUL, which calloc wrote.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), copy, bytes.len()) };
    Ok(copy.cast())
}

/// The array of responses until it is handed over; on an error it is wiped and freed.
struct Responses {
    array: *mut sys::Response,
    count: usize,
}

impl Responses {
    fn new(count: usize) -> Result<Self, Code> {
        // SAFETY: plain allocation.
        let array = unsafe { libc::calloc(count, size_of::<sys::Response>()) };
        if array.is_null() {
            return Err(Code::BufErr);
        }
        Ok(Self {
            array: array.cast(),
            count,
        })
    }

    fn as_mut_slice(&mut self) -> &mut [sys::Response] {
        // SAFETY: `array` has `count` elements from calloc, and zeros are a response: none.
        unsafe { slice::from_raw_parts_mut(self.array, self.count) }
    }

    fn into_raw(self) -> *mut sys::Response {
        ManuallyDrop::new(self).array
    }
}

impl Drop for Responses {
    fn drop(&mut self) {
        for response in self
            .as_mut_slice()
            .iter()
            .filter(|response| !response.resp.is_null())
        {
            // SAFETY: a response that is set came from `c_copy`.
            unsafe {
                let length = libc::strlen(response.resp);
                slice::from_raw_parts_mut(response.resp.cast::<u8>(), length).zeroize();
                libc::free(response.resp.cast());
            }
        }
        // SAFETY: it came from calloc, and nobody else has it.
        unsafe { libc::free(self.array.cast()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with the question reversed, except where the text says otherwise.
    struct Mirror;

    impl Conversation for Mirror {
        fn answer(&mut self, style: Style, text: &str) -> Result<Option<Vec<u8>>, Code> {
            match (style, text) {
                (_, "refuse") => Err(Code::Maxtries),
                (_, "deceive") => Err(Code::Success),
                (_, "nul") => Ok(Some(b"a\0b".to_vec())),
                (_, "panic") => panic!("as asked"),
                (Style::TextInfo | Style::ErrorMsg, _) => Ok(None),
                _ => Ok(Some(text.bytes().rev().collect())),
            }
        }
    }

    /// What a module gets that sends these messages in one array.
    fn ask(messages: &[(c_int, &CStr)]) -> Result<Vec<Option<String>>, Code> {
        ask_of(Mirror, messages)
    }

    fn ask_of(
        conversation: impl Conversation + 'static,
        messages: &[(c_int, &CStr)],
    ) -> Result<Vec<Option<String>>, Code> {
        let messages: Vec<sys::Message> = messages
            .iter()
            .map(|(style, text)| sys::Message {
                msg_style: *style,
                msg: text.as_ptr(),
            })
            .collect();
        let mut pointers: Vec<*const sys::Message> = messages.iter().map(ptr::from_ref).collect();
        let count = pointers.len();
        let mut conversation: Box<dyn Conversation> = Box::new(conversation);
        let mut array = ptr::null_mut();
        // SAFETY: all of it is as libpam passes it.
        Code::check(unsafe {
            converse(
                c_int::try_from(count).unwrap(),
                pointers.as_mut_ptr(),
                &raw mut array,
                (&raw mut conversation).cast(),
            )
        })?;
        // As a module frees it.
        let mut responses = Responses { array, count };
        Ok(responses
            .as_mut_slice()
            .iter()
            .map(|response| {
                // SAFETY: a response that is set is a C string.
                let text =
                    (!response.resp.is_null()).then(|| unsafe { CStr::from_ptr(response.resp) });
                text.map(|text| text.to_str().unwrap().to_owned())
            })
            .collect())
    }

    #[test]
    fn several_messages_are_answered_in_their_places() {
        let answers = ask(&[(4, c"hello"), (1, c"abc"), (3, c"oh"), (2, c"xy"), (1, c"")]);
        let expected = [None, Some("cba"), None, Some("yx"), Some("")];
        assert_eq!(
            answers.unwrap(),
            expected.map(|answer| answer.map(str::to_owned))
        );
    }

    #[test]
    fn one_that_fails_takes_the_earlier_answers_with_it() {
        for (text, code) in [
            (c"refuse", Code::Maxtries),
            (c"deceive", Code::ConvErr),
            (c"nul", Code::ConvErr),
            (c"panic", Code::ConvErr),
        ] {
            assert_eq!(ask(&[(1, c"abc"), (1, text)]), Err(code), "{text:?}");
        }
    }

    /// Answers all messages of a call with how many there were, or with one answer too few.
    struct Together;

    impl Conversation for Together {
        fn answer(&mut self, _: Style, _: &str) -> Result<Option<Vec<u8>>, Code> {
            Err(Code::Abort)
        }

        fn answer_all(&mut self, messages: &[(Style, &str)]) -> Result<Vec<Answer>, Code> {
            let short = messages.iter().any(|(_, text)| *text == "short");
            let answer = Some(Zeroizing::new(messages.len().to_string().into_bytes()));
            Ok(vec![answer; messages.len() - usize::from(short)])
        }
    }

    #[test]
    fn messages_that_come_together_are_answered_together_and_each() {
        let answers = ask_of(Together, &[(1, c"a"), (2, c"b"), (1, c"c")]).unwrap();
        assert_eq!(answers, vec![Some("3".to_owned()); 3]);
        let short = ask_of(Together, &[(1, c"a"), (1, c"short")]);
        assert_eq!(short, Err(Code::ConvErr));
    }

    #[test]
    fn no_messages_too_many_or_of_unknown_style_are_refused() {
        assert_eq!(ask(&[]), Err(Code::ConvErr));
        assert_eq!(ask(&[(1, c"abc"); 33]), Err(Code::ConvErr));
        assert_eq!(ask(&[(1, c"abc"); 32]).unwrap().len(), 32);
        for style in [0, 5, 7] {
            assert_eq!(ask(&[(1, c"abc"), (style, c"abc")]), Err(Code::ConvErr));
        }
    }
}

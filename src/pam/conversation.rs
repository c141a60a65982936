//! What a module says to the user and asks of them, through the application's conversation function
//! (`pam_conv(3)`).

use pam_bindings::constants::{
    PAM_ERROR_MSG, PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON, PAM_TEXT_INFO, PamMessageStyle,
};
use pam_bindings::conv::Conv;
use pam_bindings::secret::SecretBytes;

use crate::{Code, Handle, Secret};

impl Handle<'_> {
    /// Asks for a secret, which is not shown as it is typed (`PAM_PROMPT_ECHO_OFF`). The answer is
    /// a C string, so it holds no NUL; how much of a long one arrives depends on the application.
    ///
    /// # Errors
    ///
    /// What the application's function returns; `PAM_CONV_ERR` where there is none or it gives no
    /// answer, which is not the same as an empty one.
    pub fn prompt(&mut self, text: &str) -> Result<Secret, Code> {
        self.pose(PAM_PROMPT_ECHO_OFF, text)
    }

    /// Asks for what is shown as it is typed (`PAM_PROMPT_ECHO_ON`), and is wiped all the same:
    /// people type passwords where none is asked for.
    ///
    /// # Errors
    ///
    /// As those of [`prompt`](Self::prompt).
    pub fn ask(&mut self, text: &str) -> Result<Secret, Code> {
        self.pose(PAM_PROMPT_ECHO_ON, text)
    }

    fn pose(&mut self, style: PamMessageStyle, text: &str) -> Result<Secret, Code> {
        let answer = self.converse(style, text)?.ok_or(Code::ConvErr)?;
        Ok(Secret::from(answer.as_bytes().to_vec()))
    }

    /// Tells the user something (`PAM_TEXT_INFO`). Best effort: whether it was shown cannot be
    /// known, and many applications do not. Nothing is to be said under
    /// [`Flags::SILENT`](crate::Flags::SILENT).
    pub fn info(&mut self, text: &str) {
        self.tell(PAM_TEXT_INFO, text);
    }

    /// Tells the user what went wrong (`PAM_ERROR_MSG`), best effort as [`info`](Self::info).
    pub fn error(&mut self, text: &str) {
        self.tell(PAM_ERROR_MSG, text);
    }

    fn tell(&mut self, style: PamMessageStyle, text: &str) {
        // Not even an error means that it was not shown: an application may leave out the array of
        // responses where none was asked for, and pam-bindings takes that for PAM_CONV_ERR.
        let _ = self.converse(style, text);
    }

    fn converse(
        &mut self,
        style: PamMessageStyle,
        text: &str,
    ) -> Result<Option<SecretBytes>, Code> {
        let conversation = self.raw.get_item::<Conv<'_>>()?.ok_or(Code::ConvErr)?;
        Ok(conversation.send(style, text)?)
    }
}

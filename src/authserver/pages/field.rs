//! The prompts of PAM as fields of a form.

use crate::resource_owner::message::{Message, Style};

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name in the form.
    pub name: String,
    /// What is to be typed there, as PAM says it.
    pub label: String,
    /// `type`
    pub kind: &'static str,
    /// What a password manager may put there (HTML, Autofill).
    pub autocomplete: &'static str,
}

/// The name of a form's field for the answer of this number.
#[must_use]
pub fn name(number: usize) -> String {
    format!("answer{number}")
}

/// The prompts among the messages, in their order.
#[must_use]
pub fn fields(messages: &[Message]) -> Vec<Field> {
    let prompts = messages.iter().filter(|message| message.style.is_prompt());
    prompts
        .enumerate()
        .map(|(number, message)| Field {
            name: name(number),
            label: label(&message.text),
            kind: match message.style {
                Style::Hidden => "password",
                _ => "text",
            },
            autocomplete: autocomplete(message),
        })
        .collect()
}

/// A prompt without what a terminal needs at its end.
fn label(text: &str) -> String {
    match text.trim().trim_end_matches([':', ' ']) {
        "" => "Answer".to_owned(),
        text => text.to_owned(),
    }
}

/// PAM does not say what a prompt is for; modules say it to people, mostly in these words.
fn autocomplete(message: &Message) -> &'static str {
    let text = message.text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&[
        "one-time",
        "otp",
        "verification",
        "passcode",
        "token",
        "code",
    ]) {
        "one-time-code"
    } else if message.style != Style::Hidden {
        "off"
    } else if says(&["new", "retype", "again"]) {
        "new-password"
    } else {
        "current-password"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_fields_and_texts_are_not() {
        let messages = [
            Message::new(Style::Info, "Hello"),
            Message::new(Style::Hidden, "Password: "),
            Message::new(Style::Visible, "Colour:"),
            Message::new(Style::Hidden, " "),
        ];
        let fields = fields(&messages);
        let shown: Vec<_> = fields
            .iter()
            .map(|field| (field.name.as_str(), field.label.as_str(), field.kind))
            .collect();
        assert_eq!(
            shown,
            [
                ("answer0", "Password", "password"),
                ("answer1", "Colour", "text"),
                ("answer2", "Answer", "password"),
            ]
        );
    }

    #[test]
    fn password_managers_are_told_what_goes_where() {
        for (style, text, expected) in [
            (Style::Hidden, "Password: ", "current-password"),
            (Style::Hidden, "Current password: ", "current-password"),
            (Style::Hidden, "New password: ", "new-password"),
            (Style::Hidden, "Retype new password: ", "new-password"),
            (
                Style::Hidden,
                "One-time password (OATH) for `alice': ",
                "one-time-code",
            ),
            (Style::Visible, "Verification code: ", "one-time-code"),
            (Style::Visible, "Favourite colour: ", "off"),
        ] {
            assert_eq!(autocomplete(&Message::new(style, text)), expected, "{text}");
        }
    }
}

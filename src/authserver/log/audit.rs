//! The audit log: who got what, and who did not and why. One line an event, its fields in a
//! fixed order, result and reason first, as in the log of logins.

use super::{field, plain};
use std::net::IpAddr;

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A person has logged in, or has not.
    Login,
    /// A person has allowed a client something, or has not.
    Consent,
    /// A client got tokens, or did not.
    Token,
    /// A token was taken back.
    Revocation,
    /// A client was registered (RFC 7591).
    Registration,
    /// A code or a refresh token came again, and all that came of it is taken back; or an assertion,
    /// which is refused.
    Reuse,
}

impl Kind {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Consent => "consent",
            Self::Token => "token",
            Self::Revocation => "revocation",
            Self::Registration => "registration",
            Self::Reuse => "reuse",
        }
    }
}

/// An event. What is not known, or is nobody's, is left out; a token, a code or a password has
/// no field.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// What has happened; the log's line begins with it.
    pub kind: Kind,
    /// Why it was refused: an error code of OAuth, or of PAM; nothing where it was not.
    pub refused: Option<&'a str>,
    /// The account that it is about. Of one that does not exist nothing is written: people type
    /// passwords there.
    pub account: Option<&'a str>,
    /// The client.
    pub client_id: Option<&'a str>,
    /// The grant, by its registered name: one of a few, since events are counted by it.
    pub grant: Option<&'static str>,
    /// The scopes that were granted, a space between two.
    pub scope: Option<&'a str>,
    /// The access token's id.
    pub jti: Option<&'a str>,
    /// The session's or the family's id, which is no secret.
    pub sid: Option<&'a str>,
    /// From where.
    pub peer: Option<IpAddr>,
}

impl Event<'_> {
    /// An event of which nothing else is known yet.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        Self {
            kind,
            refused: None,
            account: None,
            client_id: None,
            grant: None,
            scope: None,
            jti: None,
            sid: None,
            peer: None,
        }
    }

    /// Whether it was done.
    #[must_use]
    pub const fn result(&self) -> &'static str {
        match self.refused {
            Some(_) => "refused",
            None => "done",
        }
    }

    /// Tells it. What counts events as well is [`Metrics::tell`](crate::metrics::Metrics::tell).
    pub fn tell(&self) {
        super::line(if self.refused.is_some() { 5 } else { 6 }, &self.text());
    }

    fn text(&self) -> String {
        let mut line = "audit".to_owned();
        field(&mut line, "event", self.kind.name());
        field(&mut line, "result", self.result());
        for (name, value) in [
            ("reason", self.refused),
            ("account", self.account),
            ("client_id", self.client_id),
            ("grant", self.grant),
            ("scope", self.scope),
            ("jti", self.jti),
            ("sid", self.sid),
        ] {
            if let Some(value) = value {
                field(&mut line, name, value);
            }
        }
        if let Some(peer) = self.peer {
            plain(&mut line, "peer", peer);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_with_its_fields_in_their_order() {
        let event = Event {
            account: Some("alice"),
            client_id: Some("web"),
            grant: Some("authorization_code"),
            scope: Some("openid read"),
            jti: Some("77b1"),
            sid: Some("5e"),
            peer: Some(IpAddr::from([192, 0, 2, 7])),
            ..Event::new(Kind::Token)
        };
        assert_eq!(
            event.text(),
            "audit event=token result=done account=alice client_id=web grant=authorization_code \
             scope=\"openid read\" jti=77b1 sid=5e peer=192.0.2.7"
        );
        let refused = Event {
            refused: Some("auth_err"),
            client_id: Some("a\nb"),
            ..Event::new(Kind::Login)
        };
        assert_eq!(
            refused.text(),
            "audit event=login result=refused reason=auth_err client_id=a\\x0ab"
        );
    }
}

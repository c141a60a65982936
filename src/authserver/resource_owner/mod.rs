//! Who the resource owner is (RFC 6749 §1.1): an account of this machine, as PAM's stack says. One
//! process of root's for each conversation ([`conversation`]) speaks fixed messages ([`message`])
//! with the network process ([`client`]), where a conversation may wait for the next request
//! ([`waiting`]). Pages and grants call [`logins`].

pub mod client;
pub mod conversation;
pub mod frame;
pub mod logins;
pub mod message;
pub mod rules;
pub mod standing;
mod talk;
pub mod waiting;

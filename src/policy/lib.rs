//! Who may log in as whom, with which token. Pure: it knows [`jose`] and
//! nothing of files, accounts or clocks, which its callers pass in as values.
//!
//! [`config`] turns text into a [`config::Config`], [`authenticate`] turns a
//! token, a trust and a moment into a [`Decision`], and [`audit`]
//! turns that into the one line for the log. Every outcome has a code in
//! [`reason`].
#![forbid(unsafe_code)]

mod advice;
pub mod audit;
pub mod authenticate;
mod binding;
pub mod claim_path;
pub mod config;
pub mod cut;
pub mod decision;
pub mod duration;
pub mod explain;
pub mod fetched;
mod freshness;
pub mod handoff;
pub mod introspection;
pub mod issue;
pub mod login_token;
pub mod reason;
pub mod revocation;
pub mod rules;
pub mod session;
pub mod spiffe;
pub mod standing;
pub mod status;
pub mod trust;
pub mod validate;

pub use authenticate::authenticate;
pub use config::Config;
pub use decision::Decision;
pub use reason::Reason;
pub use trust::Trust;

//! The audit lines of what is no decision upon a token.

use crate::transaction::Origin;
use pam::{Handle, Priority};
use policy::audit::Record;
use policy::decision::{Facts, Note};
use policy::handoff::Proof;
use policy::reason::Reason;
use policy::session::Token;

/// Writes the line.
pub(crate) fn refusal(handle: &mut Handle<'_>, reason: Reason, detail: Option<&str>) {
    let user = handle.user().ok();
    let exists = |name: &String| matches!(system::account_db::uid_of(name), Ok(Some(_)));
    let account = user.filter(exists);
    let service = handle.service().unwrap_or_default();
    let rhost = handle.rhost();
    let note = detail.map_or(Note::None, |text| Note::Detail(text.to_owned()));
    let record = Record {
        rhost: rhost.as_deref(),
        note: &note,
        ..Record::new(reason, account.as_deref(), &service)
    };
    let priority = match reason {
        // As the settings say: of interest to who wonders, at every login.
        Reason::IssueWithheld => Priority::Info,
        _ => Priority::Notice,
    };
    handle.log(priority, &record.to_string());
}

/// Writes the line of a token that was issued for a session.
pub(crate) fn issued(
    handle: &mut Handle<'_>,
    account: &str,
    token: &Token,
    session: &str,
    origin: &Origin,
) {
    let facts = Facts {
        verified: true,
        issuer: Some(token.issuer.clone()),
        subject: Some(account.to_owned()),
        kid: None,
        id: token.id.clone(),
        expires: Some(token.expires),
    };
    let by = match origin.proof() {
        Some(Proof::Token(by)) => {
            let id = by.id.as_deref().unwrap_or("none");
            format!("; it was opened by the token {id} of {}", by.issuer)
        }
        _ => String::new(),
    };
    let service = handle.service().unwrap_or_default();
    let rhost = handle.rhost();
    let record = Record {
        rhost: rhost.as_deref(),
        facts: Some(&facts),
        note: &Note::Detail(format!("session {session}{by}")),
        ..Record::new(Reason::Issued, Some(account), &service)
    };
    handle.log(Priority::Notice, &record.to_string());
}

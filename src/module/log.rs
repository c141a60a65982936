//! The audit lines of refusals that no token was decided upon for.

use pam::{Handle, Priority};
use policy::audit::Record;
use policy::decision::Note;
use policy::reason::Reason;

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
    handle.log(Priority::Notice, &record.to_string());
}

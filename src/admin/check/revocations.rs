//! What `check` finds in the list of what is revoked: whatever there is refuses logins.

use super::Finding;
use crate::pam_stack::Severity;
use std::path::Path;
use system::revocations::{DIR, list};

/// The fault of the list, or of each entry that is none.
pub(super) fn revocations() -> Vec<Finding> {
    let finding = |place: String, text: String| Finding {
        severity: Severity::Error,
        code: "revocations_unreadable",
        place,
        text,
        more: String::new(),
    };
    match list(Path::new(DIR)) {
        Ok(listing) => {
            let faults = listing.faults.into_iter();
            faults
                .map(|(path, why)| finding(path.display().to_string(), why))
                .collect()
        }
        Err(why) => vec![finding(DIR.to_owned(), why)],
    }
}

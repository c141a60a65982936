//! `[scopes.NAME]`: what a token may be asked to allow, for whom, and at whom.

use serde::Deserialize;

/// One scope (RFC 6749 §3.3).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// What it allows, as people are told who are asked for it.
    pub description: String,
    /// For whom tokens with it may be meant (`aud`): each as it is, or all that begin with what
    /// stands before a final `*`.
    pub audiences: Vec<String>,
    /// Who may have it: members of these groups. With neither this nor `accounts`: everybody.
    pub groups: Vec<String>,
    /// Who may have it: these accounts.
    pub accounts: Vec<String>,
    /// Whether the token says which groups the account is in (`groups`).
    pub groups_claim: bool,
}

impl Scope {
    /// Whether the account, which is in `groups`, may have it.
    #[must_use]
    pub fn is_for(&self, account: &str, groups: &[String]) -> bool {
        let is_open = self.groups.is_empty() && self.accounts.is_empty();
        is_open
            || self.accounts.iter().any(|one| one == account)
            || self.groups.iter().any(|one| groups.contains(one))
    }
}

/// Whether `audience` is what the pattern stands for.
#[must_use]
pub fn is_match(pattern: &str, audience: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => audience.starts_with(beginning),
        None => pattern == audience,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_for_its_groups_and_accounts() {
        let groups = ["ops".to_owned()];
        let open = Scope::default();
        assert!(open.is_for("alice", &[]));
        let scope = Scope {
            groups: groups.to_vec(),
            accounts: vec!["bob".to_owned()],
            ..Scope::default()
        };
        assert!(scope.is_for("alice", &groups) && scope.is_for("bob", &[]));
        assert!(!scope.is_for("alice", &[]) && !scope.is_for("", &[]));
    }

    #[test]
    fn an_audience_is_itself_or_what_begins_so() {
        for (pattern, audience, expected) in [
            ("ssh://*", "ssh://host", true),
            ("ssh://*", "https://host", false),
            ("https://a", "https://a", true),
            ("https://a", "https://a/", false),
            ("*", "anything", true),
        ] {
            assert_eq!(
                is_match(pattern, audience),
                expected,
                "{pattern} {audience}"
            );
        }
    }
}

//! What an issuer's file says of asking the issuer itself: where its keys and status lists are
//! fetched, whether people log in with a browser (`[device]`), and whether it is asked about
//! opaque tokens (`[introspection]`). The login asks nobody; pam-jwt-fetch does.

use super::parse::{check_hostname_placeholder, period, strings, unspanned};
use super::table::{Notes, Table};
use toml::Spanned;

/// How old fetched keys become unless the file says otherwise, in seconds: a weekend at which
/// the issuer is down locks nobody out.
const MAX_KEY_AGE: u64 = 3 * 86_400;

/// Where the keys of an issuer come from that are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// `jwks_uri`; none where it is discovered (`discover = true`, RFC 8414 and OpenID Connect
    /// Discovery).
    pub jwks_uri: Option<String>,
    /// For how many seconds after the last success they are good.
    pub max_key_age: u64,
    /// Whether a token with an unknown kid has them fetched anew, once in a while.
    pub on_unknown_kid: bool,
}

/// `[device]`: a login that is confirmed in any browser (RFC 8628).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// What this machine is called at the issuer.
    pub client_id: String,
    /// The file with the client's secret, if it has one.
    pub client_secret_file: Option<String>,
    /// `scope`
    pub scope: Option<String>,
    /// `resource`, whom the token is to be for (RFC 8707); `{hostname}` is not yet replaced.
    pub resource: Option<String>,
    /// Which token of the answer counts.
    pub token: Counts,
    /// Whether the address is shown as a QR code too.
    pub qr: bool,
}

/// Which token of an answer is the one to log in with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Counts {
    /// `access_token`
    #[default]
    Access,
    /// `id_token`, of issuers whose access tokens are no JWTs.
    Id,
}

/// `[introspection]`: opaque tokens, about which the issuer is asked (RFC 7662).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Introspection {
    /// What this machine is called at the issuer.
    pub client_id: String,
    /// The file with the client's secret.
    pub client_secret_file: String,
    /// What its tokens begin with; may be empty where [`length`](Self::length) is there.
    pub prefix: String,
    /// How many bytes they have, where it is always as many.
    pub length: Option<usize>,
}

impl Introspection {
    /// Whether `secret` looks like one of these tokens: nothing else is ever shown to the
    /// issuer, since it may be a password. A token is a b64token (RFC 6750 §2.1).
    pub fn is_meant(&self, secret: &[u8]) -> bool {
        self.may_have(secret.len())
            && secret.starts_with(self.prefix.as_bytes())
            && Self::may_be_meant(secret)
    }

    /// Whether one of these tokens may have so many bytes.
    pub fn may_have(&self, bytes: usize) -> bool {
        self.length
            .map_or(bytes >= LEAST_TOKEN, |length| length == bytes)
    }

    /// A secret that looks like one of these tokens and is none.
    pub fn made_up(&self) -> String {
        let bytes = self.length.unwrap_or(MADE_UP).max(LEAST_TOKEN);
        let missing = bytes.saturating_sub(self.prefix.len());
        format!("{}{}", self.prefix, "0".repeat(missing))
    }

    /// Whether a secret may look like the token of some issuer.
    pub fn may_be_meant(secret: &[u8]) -> bool {
        let in_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
        secret.len() >= LEAST_TOKEN && secret.iter().all(in_token)
    }
}

/// No opaque token has fewer bytes: what is shorter is a password.
pub const LEAST_TOKEN: usize = 20;

/// A made-up token has so many bytes, where they do not all have as many.
const MADE_UP: usize = 64;

/// The least length that tells a token from a password by itself, and the least prefix.
const TELLING_LENGTH: usize = 40;
const TELLING_PREFIX: usize = 4;

/// `jwks_uri` or `discover`, and what goes with them.
pub(super) fn fetch(table: &mut Table<'_>) -> Option<Fetch> {
    let notes = table.notes;
    let jwks_uri = table.text("jwks_uri");
    let discover = table.flag("discover").filter(|yes| *yes.get_ref());
    let max_age = table.text("max_key_age");
    let on_unknown_kid = table.flag("refresh_on_unknown_kid");
    if let Some(uri) = &jwks_uri {
        check_address(notes, "jwks_uri", uri);
    }
    if let (Some(_), Some(discover)) = (&jwks_uri, &discover) {
        let message = "jwks_uri says where the keys are, so there is nothing to discover";
        notes.at(discover.span(), message);
    }
    let is_fetched = jwks_uri.is_some() || discover.is_some();
    let mut idle = [
        max_age.as_ref().map(Spanned::span),
        on_unknown_kid.as_ref().map(Spanned::span),
    ]
    .into_iter()
    .flatten();
    if let Some(span) = idle.next().filter(|_| !is_fetched) {
        notes.at(
            span,
            "this is for keys that are fetched: jwks_uri or discover",
        );
    }
    let max_key_age = max_age.and_then(|time| period(notes, "max_key_age", "3d", &time));
    is_fetched.then(|| Fetch {
        jwks_uri: jwks_uri.map(Spanned::into_inner),
        max_key_age: max_key_age.unwrap_or(MAX_KEY_AGE),
        on_unknown_kid: on_unknown_kid.is_some_and(Spanned::into_inner),
    })
}

/// `status_lists`
pub(super) fn status_lists(table: &mut Table<'_>) -> Vec<String> {
    let notes = table.notes;
    let Some(lists) = table.texts("status_lists") else {
        return Vec::new();
    };
    strings(
        notes,
        "status_lists",
        "\"https://issuer.example/statuslists/1\"",
        &lists,
    );
    for list in lists.get_ref() {
        check_address(notes, "status_lists", list);
    }
    unspanned(lists)
}

/// `[device]`
pub(super) fn device(table: &mut Table<'_>) -> Option<Device> {
    let mut table = table.table("device")?;
    let notes = table.notes;
    let client_id = table.needed_text("client_id");
    let secret = secret_file(notes, table.text("client_secret_file"));
    let scope = table.text("scope");
    let resource = table.text("resource");
    if let Some(resource) = &resource {
        check_hostname_placeholder(notes, resource);
    }
    let qr = table.flag("qr");
    let token = table.text("token");
    let token = token.map(|token| match token.get_ref().as_str() {
        "access_token" => Counts::Access,
        "id_token" => Counts::Id,
        _ => {
            notes.at(token.span(), "token is \"access_token\" or \"id_token\"");
            Counts::default()
        }
    });
    table.finish();
    Some(Device {
        client_id: client_id?.into_inner(),
        client_secret_file: secret,
        scope: scope.map(Spanned::into_inner),
        resource: resource.map(Spanned::into_inner),
        token: token.unwrap_or_default(),
        qr: qr.is_none_or(Spanned::into_inner),
    })
}

/// `[introspection]`
pub(super) fn introspection(table: &mut Table<'_>) -> Option<Introspection> {
    let mut table = table.table("introspection")?;
    let notes = table.notes;
    let client_id = table.needed_text("client_id");
    let secret = secret_file(notes, table.needed_text("client_secret_file"));
    let prefix = table.text("prefix");
    let length = table.number("length");
    let prefix_tells = prefix
        .as_ref()
        .is_some_and(|prefix| prefix.get_ref().len() >= TELLING_PREFIX);
    let bytes = length
        .as_ref()
        .and_then(|length| usize::try_from(*length.get_ref()).ok());
    if !prefix_tells && bytes.is_none_or(|bytes| bytes < TELLING_LENGTH) {
        let message = format!(
            "by what are its tokens told from passwords, which nobody else may see? Say a prefix \
             of at least {TELLING_PREFIX} bytes, or a length of at least {TELLING_LENGTH}"
        );
        notes.at(table.span(), message);
    }
    table.finish();
    Some(Introspection {
        client_id: client_id?.into_inner(),
        client_secret_file: secret?,
        prefix: prefix.map(Spanned::into_inner).unwrap_or_default(),
        length: bytes,
    })
}

fn secret_file(notes: &Notes<'_>, file: Option<Spanned<String>>) -> Option<String> {
    let file = file?;
    if !file.get_ref().starts_with('/') {
        let message = "client_secret_file is an absolute path, such as \
             \"/etc/pam-jwt/private/client.secret\"";
        notes.at(file.span(), message);
    }
    Some(file.into_inner())
}

pub(super) fn check_address(notes: &Notes<'_>, name: &str, uri: &Spanned<String>) {
    if !is_address(uri.get_ref()) {
        let message = format!(
            "{name} is an https URL; plain http goes to this machine alone (http://127.0.0.1/)"
        );
        notes.at(uri.span(), message);
    }
}

/// Whether something may be fetched there: over https, or within this machine.
pub fn is_address(uri: &str) -> bool {
    let rest = match (uri.strip_prefix("https://"), uri.strip_prefix("http://")) {
        (Some(rest), _) => rest,
        (None, Some(rest)) if is_loopback(rest) => rest,
        _ => return false,
    };
    !rest.starts_with(['/', '?', '#', ':'])
        && !rest.is_empty()
        && rest.bytes().all(|byte| byte.is_ascii_graphic())
        // A name before the host would look like the host.
        && !rest.split(['/', '?', '#']).any(|part| part.contains('@'))
}

fn is_loopback(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    ["127.0.0.1", "[::1]"].iter().any(|host| {
        let port = authority.strip_prefix(host);
        port.is_some_and(|port| port.is_empty() || port.starts_with(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_this_machines() {
        for good in [
            "https://a",
            "https://a.example/x?y=z",
            "https://a:8443/jwks",
            "http://127.0.0.1/x",
            "http://127.0.0.1:8080/x",
            "http://[::1]:1/x",
        ] {
            assert!(is_address(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "https://",
            "https:///x",
            "http://a/x",
            "http://localhost/x",
            "http://127.0.0.1.example/x",
            "http://127.0.0.1@a.example/x",
            "https://user@a/x",
            "https://a b/",
            "https://a/\n",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn nothing_but_what_looks_like_its_token_is_shown_to_an_issuer() {
        let introspection = |prefix: &str, length| Introspection {
            client_id: "c".into(),
            client_secret_file: "/s".into(),
            prefix: prefix.into(),
            length,
        };
        let by_prefix = introspection("glpat-", None);
        assert!(by_prefix.is_meant(b"glpat-01234567890123456789"));
        for password in [
            &b"glpat-"[..],
            b"glpat-0123456789012",
            b"glpat-0123456789 0123456789",
            b"01234567890123456789glpat-",
        ] {
            assert!(!by_prefix.is_meant(password));
        }
        let by_length = introspection("", Some(43));
        assert!(by_length.is_meant(&[b'a'; 43]));
        for length in [0, 42, 44] {
            assert!(!by_length.is_meant(&vec![b'a'; length]));
        }
        for one in [by_prefix, by_length] {
            assert!(one.is_meant(one.made_up().as_bytes()));
        }
    }
}

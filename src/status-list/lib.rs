//! Status list tokens (draft-ietf-oauth-status-list) as they are taken in: verified by the key
//! of a trusted issuer, and unpacked. The module, which is root in sshd, has no part in this: it
//! never unpacks what others have packed.
#![forbid(unsafe_code)]

pub mod deflate;

use jose::status_list::StatusList;
use jose::{Claims, Compact, Header};
use policy::explain::Silent;
use policy::trust::{Trust, TrustedIssuer, TrustedKey};
use policy::validate::certificate;

/// No list token is longer, in bytes: what lists of the greatest size take where they
/// cannot be compressed.
pub const MOST: usize = 2 * deflate::MOST;

const NO_KEY: &str = "none of the issuer's keys is meant; compare with pam-jwt keys";

/// A list that its issuer has signed.
pub struct Verified {
    /// The trusted issuer.
    pub issuer: String,
    /// The kid of its key.
    pub kid: String,
    /// What the list says of itself.
    pub list: StatusList,
    /// Its statuses, unpacked.
    pub statuses: Vec<u8>,
}

/// Verifies and unpacks `token` at `now`, in seconds since the epoch, with the keys of `trust`.
///
/// # Errors
/// What keeps it from being a list of an issuer that is trusted, or of `issuer` where that is
/// named.
pub fn verify(
    token: &[u8],
    trust: &Trust,
    issuer: Option<&str>,
    now: u64,
) -> Result<Verified, String> {
    let error = |error: jose::Error| error.to_string();
    let compact = Compact::parse_within(MOST, token).map_err(error)?;
    let header = Header::parse(&compact).map_err(error)?;
    let signers = signers(&compact, &header, trust, issuer, now)?;
    // Not before: what anybody may have written can take up many times its size as JSON.
    let claims = Claims::parse(compact.payload()).map_err(error)?;
    let named = issuer.or(claims.issuer.as_deref());
    let (issuer, key) = only_one(signers, named, trust)?;
    let list = StatusList::of(&header, &claims).map_err(|fault| fault.to_string())?;
    certificate(key.validity, now, &mut Silent)
        .map_err(|refusal| refusal.reason.text().to_owned())?;
    let leeway = trust.global.leeway;
    let begins = claims.not_before.map_or(0, |date| date.ceil());
    if list.issued_at.max(begins) > now.saturating_add(leeway) {
        return Err("it is not valid yet; compare the clocks".to_owned());
    }
    if list
        .expires
        .is_some_and(|end| now >= end.saturating_add(leeway))
    {
        return Err("it has expired; fetch a new one".to_owned());
    }
    let statuses = deflate::inflate(&list.compressed)?;
    Ok(Verified {
        issuer: issuer.issuer.clone(),
        kid: key.kid.clone(),
        list,
        statuses,
    })
}

/// A trusted issuer, and one of its keys.
type Signer<'a> = (&'a TrustedIssuer, &'a TrustedKey);

/// Those by whose keys it is signed: of all issuers, or of the one that is `named`.
fn signers<'a>(
    compact: &Compact<'_>,
    header: &Header,
    trust: &'a Trust,
    named: Option<&str>,
    now: u64,
) -> Result<Vec<Signer<'a>>, String> {
    let mut why = NO_KEY.to_owned();
    let mut signers = Vec::new();
    let is_meant = |issuer: &&TrustedIssuer| named.is_none_or(|named| issuer.issuer == named);
    for issuer in trust.issuers.iter().filter(is_meant) {
        let Some(key) = issuer.key_for(header, now) else {
            continue;
        };
        match key.key.verify(compact, header) {
            Ok(()) => signers.push((issuer, key)),
            Err(error) => why = error.to_string(),
        }
    }
    match named {
        Some(named) if trust.issuer(named).is_none() => Err(unknown(named)),
        _ if signers.is_empty() => Err(why),
        _ => Ok(signers),
    }
}

/// Whose list it is: the issuer that is named, by the caller or by `iss`, or else the only
/// one of whose keys it is signed by.
fn only_one<'a>(
    mut signers: Vec<Signer<'a>>,
    named: Option<&str>,
    trust: &Trust,
) -> Result<Signer<'a>, String> {
    signers.retain(|(issuer, _)| named.is_none_or(|named| issuer.issuer == named));
    match (signers.as_slice(), named) {
        ([one], _) => Ok(*one),
        ([], Some(named)) if trust.issuer(named).is_none() => Err(unknown(named)),
        ([], _) => Err(NO_KEY.to_owned()),
        _ => Err("keys of several issuers have signed it; say which with --issuer".to_owned()),
    }
}

fn unknown(issuer: &str) -> String {
    format!("no file in issuers.d names the issuer {issuer:?}")
}

//! An X.509 certificate as the case of a public key (RFC 5280 §4.1). It is trusted
//! because it is among the trusted keys; who signed it does not matter, so no
//! chain is built. Its dates are kept, and its key must be one for signatures.

use crate::error::KeyError;
use spki::der::{self, Decode, Encode};
use x509_cert::Certificate;
use x509_cert::ext::pkix::KeyUsage;

/// When a certificate is valid (RFC 5280 §4.1.2.5), in seconds since the epoch, both
/// ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// `notBefore`
    pub not_before: u64,
    /// `notAfter`
    pub not_after: u64,
}

/// The SubjectPublicKeyInfo, as DER, and the dates.
///
/// # Errors
/// [`KeyError::Format`] for what is no certificate, [`KeyError::KeyUsage`] for one whose
/// key is for something else.
pub(crate) fn parse(der: &[u8]) -> Result<(Vec<u8>, Validity), KeyError> {
    let broken =
        |error: der::Error| KeyError::Format(format!("the certificate is not DER: {error}"));
    let certificate = Certificate::from_der(der).map_err(broken)?;
    let tbs = certificate.tbs_certificate();
    let usage = tbs.get_extension::<KeyUsage>().map_err(broken)?;
    if usage.is_some_and(|(_, usage)| !usage.digital_signature()) {
        return Err(KeyError::KeyUsage);
    }
    let [not_before, not_after] = [tbs.validity().not_before, tbs.validity().not_after]
        .map(|time| time.to_unix_duration().as_secs());
    let key = tbs.subject_public_key_info().to_der().map_err(broken)?;
    Ok((
        key,
        Validity {
            not_before,
            not_after,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pem;

    // Made with openssl req -x509; the private halves are gone. p256.crt.pem and
    // p256.pub.pem hold the same key.
    const GOOD: &str = include_str!("testdata/p256.crt.pem");
    const FOR_ENCRYPTION: &str = include_str!("testdata/rsa2048-encipherment.crt.pem");

    #[test]
    fn a_certificates_key_comes_with_its_dates() {
        let certificate = pem::parse(GOOD.as_bytes()).unwrap();
        let plain = pem::parse(include_str!("testdata/p256-of-crt.pub.pem").as_bytes()).unwrap();
        assert_eq!(certificate.key, plain.key);
        // 2026-01-01 and 2036-01-01
        let validity = Validity {
            not_before: 1_767_225_600,
            not_after: 2_082_758_400,
        };
        assert_eq!(certificate.validity, Some(validity));
    }

    /// Checklist: A.14
    #[test]
    fn a_certificate_for_another_use_is_refused() {
        assert_eq!(
            pem::parse(FOR_ENCRYPTION.as_bytes()),
            Err(KeyError::KeyUsage)
        );
    }

    #[test]
    fn half_a_certificate_is_refused() {
        let (label, der) = der::Document::from_pem(GOOD).unwrap();
        assert_eq!(label, "CERTIFICATE");
        for end in [0, 1, 40, der.as_bytes().len() - 1] {
            let half = parse(&der.as_bytes()[..end]);
            assert!(matches!(half, Err(KeyError::Format(_))), "{end}");
        }
    }
}

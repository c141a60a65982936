//! TLS, by rustls. The certificate may be another one at any time: a connection keeps the one
//! that it began with.

use crate::settings::Settings;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{Error, ServerConfig};
use std::sync::{Arc, PoisonError, RwLock};

/// What is spoken behind it (RFC 7301).
const ALPN: &[u8] = b"http/1.1";

/// The certificate as it is now; nothing, where TLS is not the server's own.
#[derive(Default)]
pub struct Tls(RwLock<Option<Arc<ServerConfig>>>);

impl Tls {
    /// The one of these settings.
    ///
    /// # Errors
    /// As [`Tls::set`].
    pub fn of(settings: &Settings) -> Result<Self, String> {
        let tls = Self::default();
        tls.set(settings)?;
        Ok(tls)
    }

    /// Has connections from here on use the certificate of these settings.
    ///
    /// # Errors
    /// What is wrong with it; then it is as it was.
    pub fn set(&self, settings: &Settings) -> Result<(), String> {
        let config = match &settings.tls {
            Some((chain, key)) => {
                let named = |error| format!("{} and {}: {error}", chain.name, key.name);
                Some(Arc::new(
                    config(chain.text.as_bytes(), key.text.as_bytes()).map_err(named)?,
                ))
            }
            None => None,
        };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// What a new connection is to use.
    #[must_use]
    pub fn now(&self) -> Option<Arc<ServerConfig>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn config(chain: &[u8], key: &[u8]) -> Result<ServerConfig, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
    let chain = chain.map_err(|error| format!("the certificate: {error}"))?;
    if chain.is_empty() {
        let why = "the first has no certificate, whose PEM begins with -----BEGIN CERTIFICATE-----";
        return Err(why.to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
        pem::Error::NoItemsFound => "the second has no private key in PEM".to_owned(),
        error => format!("the key: {error}"),
    })?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| match error {
            Error::InconsistentKeys(_) => "the key is not that of the first certificate".to_owned(),
            error => error.to_string(),
        })?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

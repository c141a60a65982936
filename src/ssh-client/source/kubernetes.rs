//! The identity of a pod of Kubernetes: the token that the kubelet projects into it and
//! keeps fresh.

use super::{Origin, Recipient, Text, file, of_file};
use crate::environment::Environment;
use crate::token::{Token, on_one_line};
use std::path::Path;

/// Where every pod has it. Its audience is the cluster's own API unless the pod projects
/// another; a token of a volume elsewhere is for `--token-file` or BEARER_TOKEN_FILE.
const PROJECTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// The token, in a pod that has one.
///
/// # Errors
/// That it cannot be read.
pub fn read(environment: &Environment<'_>) -> Result<Option<(Text, Origin)>, String> {
    let path = Path::new(PROJECTED);
    if environment.get("KUBERNETES_SERVICE_HOST").is_none() || !path.exists() {
        return Ok(None);
    }
    let text = file::read(path).map_err(|error| of_file(path, &error))?;
    Ok(Some((text, Origin::Kubernetes(path.to_owned()))))
}

/// Whether it is for the host. Most pods' is for the cluster's API and opens that to whoever
/// has it, so that `--force` does not send it.
///
/// # Errors
/// What to do instead.
pub fn check(token: &Token, whom: &Recipient<'_>) -> Result<(), String> {
    let has = token.claims().audience.clone().unwrap_or_default();
    if whom.audiences.is_empty() || has.iter().any(|audience| whom.audiences.contains(audience)) {
        return Ok(());
    }
    Err(format!(
        "the service account's token of this pod is for {}, not for {}: have the pod project one \
         for that audience (serviceAccountToken), and name its file in BEARER_TOKEN_FILE",
        on_one_line(&has.join(", ")),
        on_one_line(&whom.audiences.join(" or ")),
    ))
}

//! The identity of a pod of Kubernetes: the token that the kubelet projects into it and
//! keeps fresh.

use super::{Origin, Text, file, of_file};
use crate::environment::Environment;
use std::path::Path;

/// Where every pod has it. Its audience is the cluster's own API unless the pod projects
/// another; a token of a volume elsewhere is for `--token-file` or BEARER_TOKEN_FILE.
const PROJECTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// The token, in a pod that has one.
pub fn read(environment: &Environment<'_>) -> Result<Option<(Text, Origin)>, String> {
    let path = Path::new(PROJECTED);
    if environment.get("KUBERNETES_SERVICE_HOST").is_none() || !path.exists() {
        return Ok(None);
    }
    let text = file::read(path).map_err(|error| of_file(path, &error))?;
    Ok(Some((text, Origin::Kubernetes(path.to_owned()))))
}

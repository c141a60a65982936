//! What sshd(8) says of the methods by which a login has got so far: SSH_AUTH_INFO_0 in the
//! environment of the PAM transaction, a line for each, such as
//! `publickey ssh-ed25519 AAAA…`. The keys in it are those that the client has just signed
//! with. tests/hosts/ssh_auth_info.rs records it for each method and release.

use jose::PublicKey;
use std::ffi::CStr;

/// The variable. In the process's environment it would be the user's to set, in that of the
/// transaction (pam_getenv(3)) it is the host program's while that authenticates; pam_env's
/// user_readenv sets it to what the user likes when the session opens.
pub const VARIABLE: &CStr = c"SSH_AUTH_INFO_0";

/// The keys whose possession was proved by `publickey`. What another method proved, as
/// `hostbased` of a host, is nothing of the user's; a key of a type that is not known here
/// proves nothing.
pub fn proved_keys(info: &str) -> Vec<PublicKey> {
    let keys = info
        .lines()
        .filter_map(|line| line.strip_prefix("publickey "));
    keys.filter_map(|key| PublicKey::from_ssh(key).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";

    #[test]
    fn a_key_counts_where_publickey_proved_it() {
        let key = PublicKey::ed25519(&[7; 32]).unwrap();
        let twice = format!("password\npublickey {KEY}\npublickey {KEY}\n");
        assert_eq!(proved_keys(&twice), [key.clone(), key.clone()]);
        assert_eq!(proved_keys(&format!("publickey {KEY}")), [key]);
        for other in [
            format!("hostbased {KEY}"),
            format!("publickey-hostbound-v00@openssh.com {KEY}"),
            format!("Publickey {KEY}"),
            format!(" publickey {KEY}"),
            format!("password publickey {KEY}"),
            KEY.to_owned(),
            "publickey ssh-dss AAAAB3NzaC1kc3MAAAAA".to_owned(),
            "publickey".to_owned(),
            String::new(),
        ] {
            assert_eq!(proved_keys(&other), [], "{other}");
        }
    }
}

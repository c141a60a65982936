//! What Alpine's abuild would take in. Neither it nor musl is here; its functions are of the shell.

use crate::place::{files, fresh, installed, says};
use std::collections::BTreeSet;

#[test]
fn its_package_takes_in_what_make_install_installs() {
    let root = fresh("alpine");
    says(&format!(
        "pkgdir={}; . packaging/alpine/APKBUILD; check >/dev/null; package",
        root.display()
    ));
    let packed: BTreeSet<String> = files(&root).into_keys().collect();
    let variables = "PREFIX=/usr PAMDIR=/lib/security ZSHDIR=/usr/share/zsh/site-functions";
    let mut expected = installed("alpine-install", variables);
    expected.retain(|path| {
        !["systemd", "sysusers.d", "tmpfiles.d"]
            .iter()
            .any(|name| path.starts_with(&format!("/usr/lib/{name}/")))
    });
    expected.extend(
        [
            "/etc/pam-jwt/pam-jwt.toml",
            "/etc/pam.d/pam-jwt-authserver",
            "/usr/libexec/pam-jwt/still-named",
        ]
        .map(str::to_owned),
    );
    assert_eq!(packed, expected);
}

#[test]
fn its_scripts_are_there_and_of_the_shell() {
    let named = says(". packaging/alpine/APKBUILD; cd packaging/alpine; ls -1 $install");
    assert_eq!(named.lines().count(), 3, "{named}");
    says("shellcheck --shell=sh packaging/alpine/pam-jwt.*install");
    says("shellcheck --shell=sh --exclude=SC2034,SC2154,SC3043 packaging/alpine/APKBUILD");
}

//! The package for Arch Linux: makepkg makes it of the release build, pacman installs it.

use crate::place::{checkout, fresh, installed, says, uncompressed};
use crate::removal::Manager;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Makes the package as a user of no rights, once.
fn made() -> &'static str {
    static MADE: OnceLock<String> = OnceLock::new();
    MADE.get_or_init(|| {
        let place = fresh("arch");
        let (place, checkout) = (place.display(), checkout());
        let checkout = checkout.display();
        says(&format!(
            "cp packaging/arch/* {place}
            mkdir {place}/src
            ln -s {checkout} {place}/src/pam-jwt-0.1.0
            touch {place}/pam-jwt-0.1.0.tar.xz
            chown -R nobody {place}
            cd {place}
            setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME={place} CARCH=x86_64 \
                PKGDEST={place} PKGEXT=.pkg.tar makepkg --nodeps --repackage --skipinteg --noextract"
        ));
        says(&format!("ls {place}/*.pkg.tar")).trim_end().to_owned()
    })
}

#[test]
fn makepkg_takes_in_what_make_install_installs() {
    let packed = says(&format!("bsdtar -tf {} | grep -v '/$'", made()));
    let packed: BTreeSet<String> = packed
        .lines()
        .filter(|path| !path.starts_with('.'))
        .map(|path| uncompressed(&format!("/{}", path.replace(r"\\", r"\"))))
        .collect();
    let variables = "PREFIX=/usr SBINDIR=/usr/bin PAMDIR=/usr/lib/security \
        ZSHDIR=/usr/share/zsh/site-functions";
    let mut expected = installed("arch-install", variables);
    expected.extend(
        [
            "/etc/pam-jwt/pam-jwt.toml",
            "/etc/pam.d/pam-jwt-authserver",
            "/usr/share/libalpm/hooks/pam-jwt-still-named.hook",
            "/usr/share/libalpm/scripts/pam-jwt-still-named",
            "/usr/share/licenses/pam-jwt/LICENSE",
        ]
        .map(str::to_owned),
    );
    assert_eq!(packed, expected);
    let started = format!("bsdtar -xOf {} 'usr/lib/systemd/system/*.service'", made());
    assert!(!says(&started).contains("/sbin/"));
}

#[test]
fn its_check_finds_every_symbol() {
    let check = "pkgname= pkgver=; . packaging/arch/PKGBUILD; cd() { :; }; check";
    let said = says(&format!("bash -euc '{check}'"));
    assert!(
        said.contains("libpam.so.0 => ") && !said.contains("undefined"),
        "{said}"
    );
    says("shellcheck --shell=bash --exclude=SC2034,SC2154,SC2164 packaging/arch/PKGBUILD");
}

/// The hooks that Arch's systemd has for sysusers.d and tmpfiles.d are not here: they are run.
#[test]
fn pacman_installs_and_removes_it() {
    let pacman = "pacman --noconfirm --noprogressbar --nodeps --nodeps";
    Manager {
        install: format!(
            "mkdir -p /var/lib/pacman; {pacman} --upgrade {}
            for name in pam-jwt-fetch pam-jwt-authserver; do
                systemd-sysusers $name.conf
                systemd-tmpfiles --create $name.conf
            done",
            made()
        ),
        remove: format!("{pacman} --remove --nosave pam-jwt"),
        module: "/usr/lib/security/pam_jwt.so",
        refuses: "pam_jwt.so cannot be removed",
    }
    .is_safe();
}

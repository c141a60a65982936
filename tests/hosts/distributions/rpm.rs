//! The RPM packages, as packaging/rpm.sh makes them of the release build.

use crate::place::{checkout, installed, run, says, target, uncompressed};
use crate::removal::Manager;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

const PACKAGES: [&str; 5] = [
    "pam_jwt",
    "pam-jwt-tools",
    "pam-jwt-authserver",
    "jwt-ssh",
    "pam-jwt-selinux",
];

/// Makes the packages, once; then where they are, by their names.
fn made() -> &'static BTreeMap<&'static str, String> {
    static MADE: OnceLock<BTreeMap<&'static str, String>> = OnceLock::new();
    MADE.get_or_init(|| {
        let made = target().join("rpm");
        says(&format!("sh packaging/rpm.sh {}", made.display()));
        let file = |name| {
            let file = says(&format!("ls {}/{name}-[0-9]*.rpm", made.display()));
            (name, file.trim_end().to_owned())
        };
        PACKAGES.map(file).into()
    })
}

/// What rpm has to say of a package's file.
fn query(package: &str, what: &str) -> String {
    says(&format!("rpm --query --package {what} {}", made()[package]))
}

/// The paths in a package, without directories.
fn contents(package: &str) -> BTreeSet<String> {
    let format = "--queryformat '[%{FILEMODES:perms} %{FILENAMES}\\n]'";
    let lines = query(package, format);
    let lines = lines.lines().filter_map(|line| line.split_once(' '));
    lines
        .filter(|(mode, _)| !mode.starts_with('d'))
        .map(|(_, path)| uncompressed(path))
        .collect()
}

/// What the packages have beside what `make install` installs.
const MORE: [&str; 13] = [
    "/etc/pam-jwt/pam-jwt.toml",
    "/etc/pam.d/pam-jwt-authserver",
    "/usr/share/authselect/vendor/pam-jwt/README",
    "/usr/share/authselect/vendor/pam-jwt/REQUIREMENTS",
    "/usr/share/authselect/vendor/pam-jwt/nsswitch.conf",
    "/usr/share/authselect/vendor/pam-jwt/password-auth",
    "/usr/share/authselect/vendor/pam-jwt/postlogin",
    "/usr/share/authselect/vendor/pam-jwt/system-auth",
    "/usr/share/licenses/jwt-ssh-0.1.0/LICENSE",
    "/usr/share/licenses/pam-jwt-selinux-0.1.0/LICENSE",
    "/usr/share/licenses/pam-jwt-tools-0.1.0/LICENSE",
    "/usr/share/selinux/devel/include/distributed/pam_jwt.if",
    "/usr/share/selinux/packages/targeted/pam_jwt.pp.bz2",
];

#[test]
fn they_hold_what_make_install_installs_and_each_file_once() {
    let mut packed = BTreeSet::new();
    for package in PACKAGES {
        for path in contents(package) {
            assert!(
                packed.insert(path.clone()),
                "{path} is in {package} and in another one"
            );
        }
    }
    let variables = "PREFIX=/usr PAMDIR=/usr/lib64/security ZSHDIR=/usr/share/zsh/site-functions";
    let mut expected = installed("rpm", variables);
    expected.extend(MORE.map(str::to_owned));
    assert_eq!(packed, expected);
    for (package, path) in [
        ("pam_jwt", "/usr/lib64/security/pam_jwt.so"),
        ("pam-jwt-tools", "/usr/sbin/pam-jwt-fetch"),
        (
            "pam-jwt-authserver",
            "/usr/share/man/man5/pam-jwt-authserver.toml.5",
        ),
        ("jwt-ssh", "/usr/bin/jwt-ssh-askpass"),
    ] {
        assert!(contents(package).contains(path), "{path}");
    }
}

#[test]
fn they_need_each_other_and_what_is_configured_stays() {
    for (package, needs) in [
        ("pam_jwt", ["pam", "pam-jwt-tools = 0.1.0"]),
        ("pam-jwt-authserver", ["pam", "pam-jwt-tools = 0.1.0"]),
        ("jwt-ssh", ["openssh-clients", "rtld(GNU_HASH)"]),
        (
            "pam-jwt-selinux",
            ["policycoreutils", "selinux-policy-targeted"],
        ),
    ] {
        let requires = query(package, "--requires");
        for need in needs {
            assert!(
                requires.lines().any(|line| line.trim() == need),
                "{need}: {requires}"
            );
        }
    }
    let tools = query("pam-jwt-tools", "--requires");
    assert!(!tools.contains("pam_jwt"), "{tools}");
    let configured = PACKAGES.map(|package| query(package, "--configfiles"));
    let configured = configured.concat();
    assert_eq!(
        configured
            .lines()
            .filter(|line| line.starts_with('/'))
            .collect::<Vec<_>>(),
        ["/etc/pam-jwt/pam-jwt.toml", "/etc/pam.d/pam-jwt-authserver"]
    );
    // Root's, but for what the programs' users own; nobody else may write.
    let format = "--queryformat '[%{FILEMODES:perms} %{FILEUSERNAME} %{FILENAMES}\\n]'";
    for package in PACKAGES {
        for line in query(package, format).lines() {
            let writable = line.starts_with(|kind| kind != 'l')
                && line
                    .char_indices()
                    .any(|(at, mode)| (at == 5 || at == 8) && mode == 'w');
            let own = ["/var/lib/pam-jwt/fetched", "/var/lib/pam-jwt-authserver"]
                .iter()
                .any(|path| line.ends_with(path));
            assert!(!writable && (own || line.contains(" root /")), "{line}");
        }
    }
}

/// Each suppression is explained in packaging/rpm/rpmlint.toml.
#[test]
fn rpmlint_has_nothing_to_say() {
    let files: Vec<&str> = made().values().map(String::as_str).collect();
    let lint = format!(
        "rpmlint --config packaging/rpm/rpmlint.toml packaging/rpm/pam-jwt.spec {}",
        files.join(" ")
    );
    let said = says(&lint);
    assert!(said.contains(" 0 errors, 0 warnings"), "{said}");
    // Nor has a shell of the scriptlets.
    for package in PACKAGES {
        let scripts = query(package, "--scripts");
        let written = target().join("distributions/scriptlets");
        let mut script = String::new();
        for line in scripts.lines() {
            if line.contains(" scriptlet (using /bin/sh)") {
                script += "}\n";
                script += &format!("{}() {{\n", line.split(' ').next().unwrap_or_default());
            } else {
                script += line;
                script.push('\n');
            }
        }
        let Some((_, script)) = script.split_once("}\n") else {
            continue;
        };
        std::fs::create_dir_all(target().join("distributions")).expect("a directory");
        std::fs::write(&written, format!("{script}}}\n")).expect("a file");
        says(&format!(
            "shellcheck --shell=sh --severity=warning {}",
            written.display()
        ));
    }
}

#[test]
fn rpm_installs_and_removes_them() {
    let files: Vec<&str> = made().values().map(String::as_str).collect();
    let names = PACKAGES.join(" ");
    Manager {
        install: format!("rpm --install --nodeps {}", files.join(" ")),
        remove: format!("rpm --erase --nodeps $(rpm --query {names} | grep -v 'not installed')"),
        module: "/usr/lib64/security/pam_jwt.so",
        refuses: "pam_jwt is not removed",
    }
    .is_safe();
}

/// It is found out here, not by whoever builds them: all that the spec names is there.
#[test]
fn the_source_package_is_whole() {
    let spec = checkout().join("packaging/rpm/pam-jwt.spec");
    let parsed = run(&format!("rpmspec --parse {}", spec.display()));
    assert!(parsed.status.success());
    let parsed = String::from_utf8_lossy(&parsed.stdout).into_owned();
    for file in parsed
        .split_whitespace()
        .filter(|word| word.starts_with("packaging/"))
    {
        let file = file.trim_end_matches("/*");
        assert!(checkout().join(file).exists(), "{file}");
    }
}

//! Where things are, outside of any machine; and what `make install` puts where.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The checkout.
pub fn checkout() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("tests/ is in the checkout").into()
}

/// Where cargo builds, and packages are made.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || checkout().join("target"),
        |directory| checkout().join(directory),
    )
}

/// An empty directory of this name to make something in.
pub fn fresh(name: &str) -> PathBuf {
    let directory = target().join("distributions").join(name);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("the target directory can be written to");
    directory
}

/// Runs a shell script in the checkout.
pub fn run(script: &str) -> Output {
    Command::new("sh")
        .args(["-euc", script])
        .current_dir(checkout())
        .env("CARGO_TARGET_DIR", target())
        .output()
        .expect("sh is there")
}

/// What a shell script prints that succeeds.
#[track_caller]
pub fn says(script: &str) -> String {
    let output = run(script);
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{script}\n{stdout}\n{stderr}");
    stdout
}

/// The files and links below a directory, each with its mode.
pub fn files(root: &Path) -> BTreeMap<String, String> {
    let list = format!(
        "cd {} && find . ! -type d -printf '%P %m\\n'",
        root.display()
    );
    let lines = says(&list);
    let lines = lines.lines().filter_map(|line| line.rsplit_once(' '));
    lines
        .map(|(path, mode)| (format!("/{path}"), mode.to_owned()))
        .collect()
}

/// What `make install` with these variables puts below DESTDIR.
pub fn installed(name: &str, variables: &str) -> BTreeSet<String> {
    let root = fresh(name);
    let root = root.display();
    says(&format!("make install DESTDIR={root} {variables}"));
    files(Path::new(&root.to_string())).into_keys().collect()
}

/// No name has an ending that says how its file is compressed: that is up to the distribution.
pub fn uncompressed(path: &str) -> String {
    path.strip_suffix(".gz").unwrap_or(path).to_owned()
}

/// It asks nobody who calls it: no root, no git, no network, and none of the caller's habits.
#[test]
fn make_install_takes_no_root_no_git_no_network_and_any_umask() {
    let root = fresh("anybody");
    says(&format!("chown nobody {}", root.display()));
    let install = format!(
        "umask 077
        unshare --net setpriv --reuid=nobody --regid=nogroup --clear-groups \
            env HOME=/nonexistent GIT_DIR=/nonexistent PATH=/usr/bin:/bin \
            make --no-print-directory install DESTDIR={} PREFIX=/usr/local PAMDIR=/lib/security",
        root.display()
    );
    says(&install);
    let all = files(&root);
    for (path, mode) in &all {
        let expected = match path.as_str() {
            "/usr/local/bin/jwt-ssh-askpass" => "777",
            path if path.contains("bin/") => "755",
            _ => "644",
        };
        assert_eq!(mode, expected, "{path}");
    }
    let closed = format!("find {} -type d ! -perm -0755", root.display());
    assert_eq!(says(&closed), "");
    let above = "/lib/security/pam_jwt.so";
    let outside = all
        .keys()
        .find(|path| !path.starts_with("/usr/local/") && *path != above);
    assert_eq!(outside, None);
    let started = format!(
        "grep -rhE '^(ExecStart|ExecPaths)=' {}/usr/local/lib/systemd",
        root.display()
    );
    let started = says(&started);
    assert!(
        started.contains("=/usr/local/sbin/pam-jwt-fetch"),
        "{started}"
    );
    assert!(!started.contains("=/usr/sbin"), "{started}");
}

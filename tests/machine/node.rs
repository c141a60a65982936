//! Scripts for Node.js in a machine, beside the packages that `make foreign` installs, and
//! programs of Python's that it does.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::machine::target;
use crate::{Command, Machine};

/// Where they are in the machine, with what they read.
pub(crate) const DIRECTORY: &str = "/run/node";

const FILES: [(&str, &str); 8] = [
    ("provider.mjs", include_str!("../provider/provider.mjs")),
    ("keys.mjs", include_str!("../provider/keys.mjs")),
    ("exchange.mjs", include_str!("../provider/exchange.mjs")),
    ("chromium.mjs", include_str!("../provider/chromium.mjs")),
    ("browser.mjs", include_str!("../provider/browser.mjs")),
    ("bench.mjs", include_str!("../bench/provider.mjs")),
    ("picture.mjs", include_str!("../provider/picture.mjs")),
    ("person.mjs", include_str!("../provider/person.mjs")),
];

impl Machine {
    /// A Python program of those that `make foreign` installs, and its arguments.
    ///
    /// # Panics
    ///
    /// If `make foreign` has not installed them.
    pub fn python(&self, argv: &[&str]) -> Command<'_> {
        let installed = target().join("foreign");
        assert!(
            installed.join("installed").exists(),
            "Python's packages are not installed: `make foreign`"
        );
        let (program, arguments) = argv.split_first().expect("a program");
        self.command([installed.join("bin").join(program)])
            .args(arguments)
    }

    /// Node.js with one of the scripts that the tests have beside its packages, and the
    /// script's arguments.
    ///
    /// # Panics
    ///
    /// If `make foreign` has not installed the packages.
    pub fn node(&self, arguments: &[&str]) -> Command<'_> {
        let installed = target().join("foreign");
        assert!(
            installed.join("installed").exists(),
            "Node's packages are not installed: `make foreign`"
        );
        let modules = Path::new(DIRECTORY).join("node_modules");
        if !self.inside(|| modules.exists()) {
            for (name, contents) in FILES {
                self.write(&format!("{DIRECTORY}/{name}"), contents, 0o644);
            }
            self.inside(|| symlink(installed.join("node_modules"), modules).expect("/run"));
        }
        self.command(["env", "-C", DIRECTORY])
            .arg(installed.join("bin/node"))
            .args(arguments)
    }
}

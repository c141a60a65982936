//! The environment, read in this one file. It names files and, in a CI job, how to ask for
//! the job's identity; nothing here puts a secret into it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where variables come from: the process's, or a test's.
pub struct Environment<'a>(&'a dyn Fn(&str) -> Option<OsString>);

impl<'a> Environment<'a> {
    /// That of this process.
    pub fn of_process() -> Self {
        Self(&|name| std::env::var_os(name))
    }

    /// One that a function stands for.
    #[cfg(test)]
    pub fn of(variables: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        Self(variables)
    }

    /// The variable, if it is there and not empty.
    pub fn get(&self, name: &str) -> Option<OsString> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// The variable as a path.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    /// The settings file (XDG Base Directory Specification).
    pub fn settings_file(&self) -> Option<PathBuf> {
        let directory = self.base("XDG_CONFIG_HOME", ".config")?;
        Some(directory.join("jwt-ssh/config.toml"))
    }

    /// The directory of what is kept of a login (XDG Base Directory Specification).
    pub fn state_directory(&self) -> Option<PathBuf> {
        Some(self.base("XDG_STATE_HOME", ".local/state")?.join("jwt-ssh"))
    }

    /// A base directory; one that is relative is to be ignored.
    fn base(&self, name: &str, in_home: &str) -> Option<PathBuf> {
        let absolute = |path: &PathBuf| path.is_absolute();
        let named = self.path(name).filter(absolute);
        named.or_else(|| Some(self.path("HOME").filter(absolute)?.join(in_home)))
    }

    /// Directories for what lives as long as a login, the best first.
    pub fn runtime_directories(&self) -> Vec<PathBuf> {
        let named = [self.path("XDG_RUNTIME_DIR"), self.path("TMPDIR")];
        let mut all: Vec<PathBuf> = named.into_iter().flatten().collect();
        all.push(PathBuf::from("/tmp"));
        all.retain(|path| path.is_absolute());
        all
    }

    /// The programs of this name on PATH, in order.
    pub fn programs(&self, name: &str) -> Vec<PathBuf> {
        let path = self.get("PATH").unwrap_or_default();
        let absolute = |directory: &PathBuf| directory.is_absolute();
        std::env::split_paths(&path)
            .filter(absolute)
            .map(|directory| directory.join(name))
            .filter(|program| is_executable(program))
            .collect()
    }
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings_file(variables: &[(&str, &str)]) -> Option<PathBuf> {
        let get = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Environment::of(&get).settings_file()
    }

    #[test]
    fn the_settings_are_in_the_configuration_directory() {
        for (variables, file) in [
            (
                &[("HOME", "/h")][..],
                Some("/h/.config/jwt-ssh/config.toml"),
            ),
            (
                &[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c")],
                Some("/c/jwt-ssh/config.toml"),
            ),
            (
                &[("HOME", "/h"), ("XDG_CONFIG_HOME", "")],
                Some("/h/.config/jwt-ssh/config.toml"),
            ),
            (
                &[("HOME", "/h"), ("XDG_CONFIG_HOME", "c")],
                Some("/h/.config/jwt-ssh/config.toml"),
            ),
            (&[], None),
        ] {
            assert_eq!(settings_file(variables), file.map(PathBuf::from));
        }
    }
}

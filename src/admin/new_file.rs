//! Files that this command makes: never over one that is there, whole or not at
//! all, with exactly the mode that is meant whatever the umask.

use cli::output::Failure;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Files and directories that were made together; taken away again unless
/// [`NewFiles::keep`] is reached.
#[derive(Default)]
pub struct NewFiles(Vec<PathBuf>);

impl NewFiles {
    /// Makes a directory with its parents; one that is there stays as it is.
    pub fn directory(&mut self, path: &Path, mode: u32) -> Result<(), Failure> {
        if path.is_dir() {
            return Ok(());
        }
        // The parent of a relative name is "", which is here.
        if let Some(parent) = path.parent().filter(|parent| *parent != Path::new("")) {
            self.directory(parent, 0o755)?;
        }
        let failed = |error| failed(path, &error);
        // Never wider than meant, not even for a moment under umask 0.
        DirBuilder::new().mode(mode).create(path).map_err(failed)?;
        self.0.push(path.to_owned());
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)
    }

    /// Makes a file.
    pub fn file(&mut self, path: &Path, mode: u32, content: &[u8]) -> Result<(), Failure> {
        let failed = |error| failed(path, &error);
        // 0600 until it is whole, so that nobody reads a part of it.
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        self.0.push(path.to_owned());
        file.write_all(content)
            .and_then(|()| file.set_permissions(Permissions::from_mode(mode)))
            .and_then(|()| file.sync_all())
            .map_err(failed)
    }

    /// Makes a file that is there as a whole or not at all, also for who reads at that moment;
    /// `replace` puts it in the place of one that is there.
    pub fn whole(
        &mut self,
        path: &Path,
        mode: u32,
        content: &[u8],
        replace: bool,
    ) -> Result<(), Failure> {
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(".new");
        let new = path.with_file_name(name);
        // Of a run that was killed.
        let _ = fs::remove_file(&new);
        self.file(&new, mode, content)?;
        let published = if replace {
            fs::rename(&new, path)
        } else {
            // Unlike a rename it fails where somebody else has made it meanwhile.
            fs::hard_link(&new, path).and_then(|()| fs::remove_file(&new))
        };
        published.map_err(|error| failed(path, &error))
    }

    /// All is made.
    pub fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for NewFiles {
    fn drop(&mut self) {
        for path in self.0.iter().rev() {
            let _ = if path.is_dir() {
                fs::remove_dir(path)
            } else {
                fs::remove_file(path)
            };
        }
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    let advice = match error.kind() {
        std::io::ErrorKind::AlreadyExists => "; it is left as it is, choose another name",
        std::io::ErrorKind::PermissionDenied => "; run this as root",
        _ => "",
    };
    Failure::new(format!("{}: {error}{advice}", path.display()))
}

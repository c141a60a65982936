//! The directories that libpam has its services in.

use std::path::{Path, PathBuf};

/// The administrator's, and the distribution's, which counts where the first has no file.
pub struct PamD {
    pub etc: PathBuf,
    pub vendor: PathBuf,
}

impl PamD {
    /// Those of this machine.
    pub fn of_this_machine() -> PamD {
        PamD {
            etc: PathBuf::from("/etc/pam.d"),
            vendor: PathBuf::from("/usr/lib/pam.d"),
        }
    }

    /// The text of what pam.d calls by this name, or of the file where it is a path.
    pub fn read(&self, name: &str) -> Option<String> {
        if name.starts_with('/') {
            return text(Path::new(name));
        }
        text(&self.etc.join(name)).or_else(|| text(&self.vendor.join(name)))
    }

    /// Every service there is, each once, in order.
    pub fn services(&self) -> Vec<String> {
        let mut names: Vec<String> = [&self.etc, &self.vendor]
            .iter()
            .flat_map(|dir| std::fs::read_dir(dir).into_iter().flatten().flatten())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn text(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

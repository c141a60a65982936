//! What the server is told by files: its configuration, the administrator's clients, its keys.
//! Root reads them (the monitor), and the network process, which may not, is handed their text.

use crate::config::Config;
use crate::keys::Keys;
use clients::Clients;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use system::trusted_file;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The file of settings, below the configuration directory.
pub const FILE: &str = "authserver.toml";
/// The directory of the clients' files.
pub const CLIENTS: &str = "clients.d";
/// The directory of the keys' files.
pub const KEYS: &str = "authserver-keys";

/// A file's name and text.
#[derive(Clone, Default, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct TextFile {
    /// Its path, for messages.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// The texts of all the files.
#[derive(Default, Serialize, Deserialize)]
pub struct Bundle {
    dir: PathBuf,
    config: TextFile,
    clients: Vec<TextFile>,
    keys: Vec<TextFile>,
    certificate: Option<TextFile>,
    certificate_key: Option<TextFile>,
}

/// The settings that a request meets.
pub struct Settings {
    /// `authserver.toml`
    pub config: Config,
    /// The administrator's clients.
    pub clients: Clients,
    /// The keys.
    pub keys: Keys,
    /// The certificate's chain and its private key, PEM.
    pub tls: Option<(TextFile, TextFile)>,
    /// The configuration directory, whose other files (`issuers.d`) everybody may read.
    pub dir: PathBuf,
}

impl Bundle {
    /// Reads the files in `dir`, the configuration directory; each has to be root's alone to
    /// write, and a key root's alone to read.
    ///
    /// # Errors
    /// What is wrong with which file, and what mends it.
    pub fn read(dir: &Path) -> Result<Self, String> {
        let config = read(&dir.join(FILE), false)?;
        let mut bundle = Self {
            dir: dir.to_owned(),
            clients: read_all(&dir.join(CLIENTS), ".toml", false)?,
            keys: read_all(&dir.join(KEYS), ".jwk", true)?,
            ..Self::default()
        };
        if let Some(tls) = parsed(&config)?.tls {
            bundle.certificate = Some(read(&tls.certificate, false)?);
            bundle.certificate_key = Some(read(&tls.key, true)?);
        }
        bundle.config = config;
        Ok(bundle)
    }

    /// What the texts say at `now`, in seconds since the epoch.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn settings(&self, now: u64) -> Result<Settings, String> {
        fn pairs(files: &[TextFile]) -> impl Iterator<Item = (&str, &str)> {
            files
                .iter()
                .map(|file| (file.name.as_str(), file.text.as_str()))
        }
        let tls = self.certificate.clone().zip(self.certificate_key.clone());
        Ok(Settings {
            config: parsed(&self.config)?,
            clients: Clients::parse(pairs(&self.clients))?,
            keys: Keys::parse(pairs(&self.keys), now)?,
            tls,
            dir: self.dir.clone(),
        })
    }
}

/// The directories in which the files are, with those of the certificate and its key.
#[must_use]
pub fn directories(dir: &Path, config: &Config) -> Vec<PathBuf> {
    let mut directories = vec![dir.to_owned(), dir.join(CLIENTS), dir.join(KEYS)];
    let tls = config
        .tls
        .iter()
        .flat_map(|tls| [&tls.certificate, &tls.key]);
    directories.extend(tls.filter_map(|path| path.parent()).map(Path::to_owned));
    directories
}

fn parsed(file: &TextFile) -> Result<Config, String> {
    Config::parse(&file.text).map_err(|error| format!("{}: {error}", file.name))
}

fn read(path: &Path, private: bool) -> Result<TextFile, String> {
    let content = trusted_file::read(path).map_err(|error| error.to_string())?;
    let shown = path.display();
    if private && !content.is_private {
        return Err(format!(
            "{shown} holds a private key, and others than root can read it; make a new one, and \
             run: chmod 600 {shown}"
        ));
    }
    let text = std::str::from_utf8(&content.bytes).map_err(|_| format!("{shown} is not UTF-8"))?;
    Ok(TextFile {
        name: shown.to_string(),
        text: text.to_owned(),
    })
}

/// Where there is no such directory there are no such files.
fn read_all(dir: &Path, suffix: &str, private: bool) -> Result<Vec<TextFile>, String> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let paths = trusted_file::list(dir, suffix).map_err(|error| error.to_string())?;
    paths.iter().map(|path| read(path, private)).collect()
}

//! The command line.

use clap::Parser;
use std::path::PathBuf;

/// Issues tokens to OAuth clients for the accounts of this machine.
#[derive(Parser)]
#[command(name = "pam-jwt-authserver", version, max_term_width = 100)]
pub struct Options {
    /// The configuration directory.
    #[arg(long, global = true, value_name = "DIR", default_value = system::CONFIG_DIR)]
    pub config: PathBuf,
    /// Report as JSON on standard output.
    #[arg(long, global = true)]
    pub json: bool,
}

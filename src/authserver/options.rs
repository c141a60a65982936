//! The command line.

use clap::{Parser, Subcommand};
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
    /// Which of the server's processes this is; without it the one that starts the others.
    #[command(subcommand)]
    pub process: Option<Process>,
}

/// The processes that the server starts by itself (serve/process.rs).
#[derive(Subcommand)]
pub enum Process {
    /// Speaks to clients.
    #[command(hide = true)]
    NetworkProcess,
    /// Holds one conversation with PAM.
    #[command(hide = true)]
    Conversation {
        /// By which rules.
        rules: String,
    },
}

//! What every command of this project needs: what it says and how it ends
//! ([`output`]), and, from the definitions that also parse its command line and print
//! --help, its manual pages ([`manual`]) and what a shell needs to complete it
//! ([`completions`]), by subcommands that all commands have ([`documented`]). It knows nothing of tokens.
#![forbid(unsafe_code)]

pub mod completions;
pub mod documented;
pub mod manual;
pub mod output;

//! The page of the program's other name, which is no command that has options.

use cli::manual::Document;

/// jwt-ssh-askpass(1)
pub fn askpass() -> Document {
    Document {
        name: "jwt-ssh-askpass",
        section: "1",
        text: include_str!("jwt-ssh-askpass.md").to_owned(),
    }
}

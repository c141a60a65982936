//! What holds for all documents: each is played by a test, a command that stands in a sentence
//! is played too, and links lead somewhere.

use super::document::{Step, steps};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The documents, each with the test that plays it.
const PLAYED: [(&str, &str); 9] = [
    ("authorization-server.md", include_str!("reference.rs")),
    ("bastion.md", include_str!("bastion.rs")),
    ("ci-jobs.md", include_str!("ci_jobs.rs")),
    ("cluster.md", include_str!("cluster.rs")),
    ("fleet.md", include_str!("fleet.rs")),
    ("locked-out.md", include_str!("one_machine.rs")),
    ("one-machine.md", include_str!("one_machine.rs")),
    ("rotating-keys.md", include_str!("one_machine.rs")),
    ("upgrading.md", include_str!("one_machine.rs")),
];

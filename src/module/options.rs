//! The arguments of a pam_jwt.so line in pam.d. One that is unknown refuses:
//! whoever wrote it meant something by it.

use std::ffi::CStr;
use std::path::PathBuf;

/// The arguments of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// `config=DIR`
    pub(crate) config: PathBuf,
    /// `debug`: log also what was no token.
    pub(crate) debug: bool,
    /// `use_first_pass`: never ask, take the secret that an earlier module asked for.
    pub(crate) use_first_pass: bool,
    /// `pass_token`: leave a token where later modules see it.
    pub(crate) pass_token: bool,
    /// `require_token`: on an account line, refuse a login that was not by token.
    pub(crate) require_token: bool,
    /// `issue` and `issue=required`
    pub(crate) issue: Issue,
}

/// Whether the session gets a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Issue {
    /// No. An auth line then takes tokens.
    No,
    /// If the settings say so and it can be. An auth line takes none then: it only says that
    /// what stands above it has asked.
    Wanted,
    /// As before, and without one that should be there is no session.
    Required,
}

/// An argument that is a word, and what it says.
type Word = (&'static [u8], fn(&mut Options));

/// All of them; the manual has each.
const WORDS: [Word; 6] = [
    (b"debug", |options| options.debug = true),
    (b"use_first_pass", |options| options.use_first_pass = true),
    (b"pass_token", |options| options.pass_token = true),
    (b"require_token", |options| options.require_token = true),
    (b"issue", |options| {
        options.issue = options.issue.max(Issue::Wanted);
    }),
    (b"issue=required", |options| {
        options.issue = Issue::Required;
    }),
];

impl Options {
    /// Reads the arguments.
    ///
    /// # Errors
    /// What is wrong with the first one that is.
    pub(crate) fn parse(args: &[&CStr]) -> Result<Self, String> {
        let mut options = Self {
            config: PathBuf::from(system::CONFIG_DIR),
            debug: false,
            use_first_pass: false,
            pass_token: false,
            require_token: false,
            issue: Issue::No,
        };
        for arg in args {
            let bytes = arg.to_bytes();
            if let Some((_, say)) = WORDS.iter().find(|(word, _)| *word == bytes) {
                say(&mut options);
                continue;
            }
            match bytes.strip_prefix(b"config=").map(std::str::from_utf8) {
                Some(Ok(dir)) if dir.starts_with('/') => options.config = PathBuf::from(dir),
                Some(_) => return Err("config= takes an absolute path".to_owned()),
                None => return Err(format!("unknown argument {}", arg.to_string_lossy())),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_arguments_are_read() {
        let none = Options::parse(&[]).unwrap();
        assert_eq!(none.config, PathBuf::from("/etc/pam-jwt"));
        assert!(!(none.debug || none.use_first_pass || none.pass_token || none.require_token));
        let all = [
            c"config=/x",
            c"debug",
            c"use_first_pass",
            c"pass_token",
            c"require_token",
            c"issue=required",
            c"issue",
        ];
        let all = Options::parse(&all).unwrap();
        assert_eq!(all.config, PathBuf::from("/x"));
        assert_eq!((none.issue, all.issue), (Issue::No, Issue::Required));
        assert!(all.debug && all.use_first_pass && all.pass_token && all.require_token);
    }

    #[test]
    fn the_manual_has_every_argument_and_no_other() {
        let page = include_str!("../admin/manual/pam_jwt.md");
        let options = page.split_once("\n# OPTIONS\n").unwrap().1;
        let options = options.split_once("\n# ").unwrap().0;
        let terms = options.split("\n\n").filter(|block| block.contains("\n: "));
        let terms = terms.map(|block| block.lines().next().unwrap().replace('`', ""));
        let words = WORDS.map(|(word, _)| String::from_utf8(word.to_vec()).unwrap());
        let config = std::iter::once("config=*DIR*".to_owned());
        let (mut told, mut known) = (terms.collect::<Vec<_>>(), Vec::from_iter(config));
        known.extend(words);
        told.sort_unstable();
        known.sort_unstable();
        assert_eq!(told, known);
    }

    #[test]
    fn an_argument_that_is_unknown_is_an_error() {
        for bad in [
            c"",
            c"Debug",
            c"debug=1",
            c"config",
            c"config=",
            c"config=x",
            c"try_first_pass",
            c"issue=",
            c"issue=no",
            c"\xff",
        ] {
            assert!(Options::parse(&[c"debug", bad]).is_err(), "{bad:?}");
        }
    }
}

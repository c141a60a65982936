//! The two subcommands that every command of this project has alike, `completions` and `manual`:
//! only names differ in what their help says.

/// Defines `Completions` and `Manual` where it is called, for the command whose definitions are
/// `$options` and whose name is `$name`; its manual pages are of `$section`, the first of them refers
/// to `$see_also`, and `$documents` come with them; an example puts them into `$dir`.
#[macro_export]
macro_rules! documented {
    ($options:ty, $name:literal, $section:literal, $see_also:expr, $documents:expr, $dir:literal) => {
        /// What a shell needs to complete this command.
        #[derive(clap::Args)]
        #[command(
            about = concat!("Print the script by which a shell completes ", $name, "."),
            long_about = None,
            after_long_help = concat!(
                "Exit status:\n  0  done\n  2  it could not be written\n\n",
                "Examples:\n  # in ~/.bashrc\n  eval \"$(", $name, " completions bash)\"",
            )
        )]
        pub struct Completions {
            /// The shell.
            shell: $crate::completions::Shell,
        }

        impl Completions {
            /// Runs it.
            ///
            /// # Errors
            /// None; what is lost of the output is told at the end.
            pub fn run(
                &self,
                out: &$crate::output::Output,
            ) -> Result<$crate::output::Exit, $crate::output::Failure> {
                let mut command = <$options as clap::CommandFactory>::command();
                let script = $crate::completions::script(&mut command, $name, self.shell);
                out.raw(script.as_bytes());
                Ok($crate::output::Exit::Done)
            }
        }

        /// The manual pages.
        #[derive(clap::Args)]
        #[command(
            about = "Write the manual pages into a directory.",
            long_about = concat!(
                "Write the manual pages into a directory.\n\nThat is man", $section, "/", $name, ".",
                $section, ", a page for each subcommand, and those of files and modules that belong \
                 to it. Pages that are there are replaced.",
            ),
            after_long_help = concat!(
                "Exit status:\n  0  done\n  2  they could not be written\n\n",
                "Examples:\n  # where man looks for them\n  ", $name, " manual ", $dir,
            )
        )]
        pub struct Manual {
            /// The directory, whose man1, man5 and man8 are made where they are missing.
            dir: std::path::PathBuf,
        }

        impl Manual {
            /// Runs it.
            ///
            /// # Errors
            /// What is in the way.
            pub fn run(
                &self,
                out: &$crate::output::Output,
            ) -> Result<$crate::output::Exit, $crate::output::Failure> {
                let command = <$options as clap::CommandFactory>::command();
                let documents: &[$crate::manual::Document] = &$documents;
                let pages = $crate::manual::pages(command, $section, &$see_also, documents);
                $crate::manual::write(pages, &self.dir, out).map(|()| $crate::output::Exit::Done)
            }
        }
    };
}

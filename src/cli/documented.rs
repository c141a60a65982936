//! The two subcommands that every command of this project has alike, `completions` and `manual`:
//! only names differ in what their help says.

/// Defines `Completions` and `Manual` where it is called, for the command whose definitions are
/// `$options` and whose name is `$name`; the manual pages are of `$section`, which is called
/// `$title`, the first of them refers to `$see_also`, and an example puts them into `$dir`.
#[macro_export]
macro_rules! documented {
    ($options:ty, $name:literal, $section:literal, $title:literal, $see_also:expr, $dir:literal) => {
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
                "Write the manual pages into a directory.\n\nThat is ", $name, ".", $section,
                " and a page for each subcommand. Pages that are there are replaced.",
            ),
            after_long_help = concat!(
                "Exit status:\n  0  done\n  2  they could not be written\n\n",
                "Examples:\n  # where man looks for them\n  ", $name, " manual ", $dir,
            )
        )]
        pub struct Manual {
            /// The directory; it is made if it is not there.
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
                let pages = $crate::manual::pages(command, $section, $title, &$see_also);
                $crate::manual::write(pages, &self.dir, out).map(|()| $crate::output::Exit::Done)
            }
        }
    };
}

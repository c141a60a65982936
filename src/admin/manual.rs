//! `pam-jwt manual`: the manual pages, from the definitions that also parse the
//! command line and print --help.

use crate::Cli;
use crate::new_file::NewFiles;
use crate::output::{Exit, Failure, Output};
use clap::builder::PossibleValue;
use clap::{Arg, Args, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use serde_json::json;
use std::fs;
use std::path::PathBuf;

/// Write the manual pages into a directory.
///
/// That is pam-jwt.8 and a page for each subcommand, such as pam-jwt-jws-verify.8.
/// Pages that are there are replaced.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # where man looks for them
  pam-jwt manual /usr/local/share/man/man8")]
pub struct Manual {
    /// The directory; it is made if it is not there.
    dir: PathBuf,
}

impl Manual {
    /// Runs it.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        let mut root = Cli::command().disable_help_subcommand(true);
        root.build();
        let mut pages = Vec::new();
        render(&root, &[], &mut pages)
            .map_err(|error| Failure::new(format!("the manual pages: {error}")))?;
        let mut files = NewFiles::default();
        files.directory(&self.dir, 0o755)?;
        let mut made = Vec::new();
        for (name, page) in pages {
            let path = self.dir.join(format!("{name}.8"));
            // Taken away, not written over: it may be a link to somewhere else.
            let _ = fs::remove_file(&path);
            files.file(&path, 0o644, &page)?;
            made.push(path.display().to_string());
        }
        files.keep();
        out.report(
            || json!({ "files": made }),
            || format!("Made {}.", made.join(",\n     ")),
        );
        Ok(Exit::Done)
    }
}

/// Adds the page of `command`, which stands below `above`, and those of its subcommands.
fn render(
    command: &Command,
    above: &[&Command],
    pages: &mut Vec<(String, Vec<u8>)>,
) -> std::io::Result<()> {
    let name = page_name(command);
    let usage = command.clone().render_usage().to_string();
    // The end of --help becomes sections below, and the version stands in the footer.
    let plain = command
        .clone()
        .override_usage(usage.trim_start_matches("Usage: ").to_owned())
        .after_long_help(None)
        .version(None)
        .mut_args(values_in_a_line);
    let mut page = Vec::new();
    Man::new(plain)
        .title(name.to_uppercase())
        .section("8")
        // None, since a build must come out the same on any day; roff wants it said.
        .date("\"\"")
        .source(concat!("pam-jwt ", env!("CARGO_PKG_VERSION")))
        .manual("System Administration")
        .render(&mut page)?;
    let mut sections = sections(command);
    // How the command ends is said once, by the root, and holds for all.
    let inherited = above.first().map(|root| self::sections(root));
    let exit_status = |(heading, _): &(String, Vec<String>)| heading == "EXIT STATUS";
    sections.splice(0..0, inherited.into_iter().flatten().filter(exit_status));
    let mut roff = Roff::new();
    for (heading, lines) in &sections {
        roff.control("SH", [heading.as_str()]).control("nf", []);
        for line in lines {
            roff.text([roman(line.as_str())]);
        }
        roff.control("fi", []);
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text(match above {
        [] => vec![bold("pam"), roman("(7), "), bold("pam.d"), roman("(5)")],
        above => above
            .iter()
            .rev()
            .enumerate()
            .flat_map(|(at, parent)| {
                let comma = if at == 0 { "" } else { ", " };
                [roman(comma), bold(page_name(parent)), roman("(8)")]
            })
            .collect(),
    });
    page.extend(roff.to_roff().bytes());
    pages.push((name, page));
    let above = [above, &[command]].concat();
    command
        .get_subcommands()
        .try_for_each(|subcommand| render(subcommand, &above, pages))
}

/// The values that an argument takes, as --help shows them; clap_mangen's list would give
/// each two lines.
fn values_in_a_line(arg: Arg) -> Arg {
    let values = arg.get_possible_values();
    if values.is_empty() || values.iter().any(|value| value.get_help().is_some()) {
        return arg;
    }
    let values: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let line = format!("{help} [possible values: {}]", values.join(", "));
    arg.long_help(line).hide_possible_values(true)
}

/// The command with its parents, as in pam-jwt-jws-verify.
fn page_name(command: &Command) -> String {
    command
        .get_display_name()
        .unwrap_or_else(|| command.get_name())
        .to_owned()
}

/// The end of --help: lines that are indented, under headings that end in a colon.
fn sections(command: &Command) -> Vec<(String, Vec<String>)> {
    let text = command.get_after_long_help().map(ToString::to_string);
    let mut sections: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.unwrap_or_default().lines() {
        match (line.strip_prefix("  "), sections.last_mut()) {
            (Some(line), Some((_, lines))) => lines.push(line.to_owned()),
            (None, _) if !line.is_empty() => {
                sections.push((line.trim_end_matches(':').to_uppercase(), Vec::new()));
            }
            _ => {}
        }
    }
    sections
}

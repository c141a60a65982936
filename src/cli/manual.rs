//! Manual pages, from the definitions that also parse the command line and print
//! --help.

use crate::output::{Failure, Output};
use clap::builder::PossibleValue;
use clap::{Arg, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::path::Path;
use std::{fs, io};

/// The pages of a command, `root`, and of each of its subcommands: the name of the file,
/// such as pam-jwt-jws-verify.8, and what is in it. `title` is what the section of the
/// manual is called, `see_also` the pages that the root's refers to, with their sections.
pub fn pages(
    root: Command,
    section: &str,
    title: &str,
    see_also: &[(&str, &str)],
) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut root = root.disable_help_subcommand(true);
    root.build();
    let version = root.get_version().unwrap_or_default();
    let mut manual = Manual {
        source: format!("{} {version}", root.get_name()),
        section,
        title,
        see_also,
        pages: Vec::new(),
    };
    manual.render(&root, &[])?;
    Ok(manual.pages)
}

/// Writes pages into a directory, which is made if it is not there, and says which.
///
/// # Errors
/// What is in the way.
pub fn write(
    pages: io::Result<Vec<(String, Vec<u8>)>>,
    dir: &Path,
    out: &Output,
) -> Result<(), Failure> {
    let pages = pages.map_err(|error| Failure::new(format!("the manual pages: {error}")))?;
    let failed = |path: &Path, error| Failure::new(format!("{}: {error}", path.display()));
    fs::create_dir_all(dir).map_err(|error| failed(dir, error))?;
    for (name, page) in pages {
        let path = dir.join(name);
        // Taken away, not written over: it may be a link to somewhere else.
        let _ = fs::remove_file(&path);
        fs::write(&path, page).map_err(|error| failed(&path, error))?;
        out.raw(format!("{}\n", path.display()).as_bytes());
    }
    Ok(())
}

/// What is common to all pages, and the pages that are rendered.
struct Manual<'a> {
    source: String,
    section: &'a str,
    title: &'a str,
    see_also: &'a [(&'a str, &'a str)],
    pages: Vec<(String, Vec<u8>)>,
}

impl Manual<'_> {
    /// Adds the page of `command`, which stands below `above`, and those of its
    /// subcommands.
    fn render(&mut self, command: &Command, above: &[&Command]) -> io::Result<()> {
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
            .section(self.section)
            // None, since a build must come out the same on any day; roff wants it said.
            .date("\"\"")
            .source(self.source.as_str())
            .manual(self.title)
            .render(&mut page)?;
        let mut sections = sections(command);
        // How the command ends is said by the root, and holds for all that do not say it.
        let exit_status = |(heading, _): &(String, Vec<String>)| heading == "EXIT STATUS";
        if !sections.iter().any(exit_status) {
            let inherited = above.first().map(|root| self::sections(root));
            sections.splice(0..0, inherited.into_iter().flatten().filter(exit_status));
        }
        page.extend(as_typed(&self.end(&sections, above).to_roff()).bytes());
        self.pages.push((format!("{name}.{}", self.section), page));
        let above = [above, &[command]].concat();
        let mut subcommands = command.get_subcommands();
        subcommands.try_for_each(|subcommand| self.render(subcommand, &above))
    }

    /// The end of a page, which clap_mangen does not write.
    fn end(&self, sections: &[(String, Vec<String>)], above: &[&Command]) -> Roff {
        let mut roff = Roff::new();
        for (heading, lines) in sections {
            roff.control("SH", [heading.as_str()]).control("nf", []);
            for line in lines {
                if line.is_empty() {
                    roff.control("sp", []);
                } else {
                    roff.text([roman(line.as_str())]);
                }
            }
            roff.control("fi", []);
        }
        let parents = above.iter().rev().map(|parent| page_name(parent));
        let mut see_also: Vec<(String, &str)> = parents.map(|name| (name, self.section)).collect();
        if above.is_empty() {
            let others = self.see_also.iter();
            see_also.extend(others.map(|(name, section)| ((*name).to_owned(), *section)));
        }
        if see_also.is_empty() {
            return roff;
        }
        let references = see_also.into_iter().enumerate();
        roff.control("SH", ["SEE ALSO"]);
        roff.text(
            references
                .flat_map(|(at, (name, section))| {
                    let comma = if at == 0 { "" } else { ", " };
                    [roman(comma), bold(name), roman(format!("({section})"))]
                })
                .collect::<Vec<_>>(),
        );
        roff
    }
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
            (None, Some((_, lines))) => lines.push(String::new()),
            _ => {}
        }
    }
    for (_, lines) in &mut sections {
        // What is between a section and the next heading belongs to neither.
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
    }
    sections
}

/// What is to be typed, in characters that can be: some formatters make typographic ones
/// of these (groff_char(7)).
fn as_typed(roff: &str) -> String {
    let escapes = [
        ("'", r"\(aq"),
        ("`", r"\(ga"),
        ("~", r"\(ti"),
        ("^", r"\(ha"),
    ];
    escapes
        .iter()
        .fold(roff.to_owned(), |text, (c, escape)| text.replace(c, escape))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_of_the_section_and_refer_to_others() {
        let root = Command::new("jwt-x")
            .version("1.2.3")
            .after_long_help("Exit status:\n  0  done\n\nExamples:\n  a\n\n  'b' `c` ~/d^\n")
            .subcommand(Command::new("a").about("Does a"))
            .subcommand(Command::new("b").after_long_help("Exit status:\n  1  never"));
        let pages = pages(root, "1", "User Commands", &[("ssh", "1"), ("sshd", "8")]).unwrap();
        let pages: Vec<(&str, &str)> = pages
            .iter()
            .map(|(name, page)| (name.as_str(), std::str::from_utf8(page).unwrap()))
            .collect();
        let [("jwt-x.1", root), ("jwt-x-a.1", sub), ("jwt-x-b.1", other)] = pages[..] else {
            panic!("{pages:?}");
        };
        assert!(root.contains("\n.TH JWT-X 1 \"\" \"jwt-x 1.2.3\" \"User Commands\"\n"));
        let examples = ".SH EXAMPLES\n.nf\na\n.sp\n\\&\\(aqb\\(aq \\(gac\\(ga \\(ti/d\\(ha\n.fi\n";
        assert!(root.contains(examples), "{root}");
        assert!(root.ends_with(".SH \"SEE ALSO\"\n\\fBssh\\fR(1), \\fBsshd\\fR(8)\n"));
        assert!(sub.contains("\n.TH JWT-X-A 1 \"\" \"jwt-x 1.2.3\" \"User Commands\"\n"));
        assert!(sub.contains(".SH \"EXIT STATUS\"\n.nf\n0  done\n.fi\n"));
        assert!(other.contains(".SH \"EXIT STATUS\"\n.nf\n1  never\n.fi\n"));
        assert!(!other.contains("done"));
        assert!(sub.ends_with(".SH \"SEE ALSO\"\n\\fBjwt\\-x\\fR(1)\n"));
    }
}

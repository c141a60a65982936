//! The pages of a command and its subcommands, from the definitions that also parse the command
//! line and print --help.

use super::{Page, as_typed, date, title};
use clap::builder::{PossibleValue, StyledStr};
use clap::{Arg, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};
use std::io;

/// The pages of `root` and of each of its subcommands, such as pam-jwt-jws-verify(8). `see_also`
/// are those that the root's refers to beside them, with their sections.
pub(super) fn pages(
    root: &Command,
    section: &'static str,
    see_also: &[(&str, &str)],
    source: &str,
) -> io::Result<Vec<Page>> {
    let mut manual = Manual {
        source,
        section,
        see_also,
        pages: Vec::new(),
    };
    manual.render(root, &[])?;
    Ok(manual.pages)
}

/// What is common to all pages, and the pages that are rendered.
struct Manual<'a> {
    source: &'a str,
    section: &'static str,
    see_also: &'a [(&'a str, &'a str)],
    pages: Vec<Page>,
}

impl Manual<'_> {
    /// Adds the page of `command`, which stands below `above`, and those of its
    /// subcommands.
    fn render(&mut self, command: &Command, above: &[&Command]) -> io::Result<()> {
        let name = page_name(command);
        let usage = command.clone().render_usage().to_string();
        // The end of --help becomes sections below, and the version stands in the footer.
        let plain = named(command.clone())
            .override_usage(usage.trim_start_matches("Usage: ").to_owned())
            .after_long_help(None)
            .version(None)
            .mut_args(values_in_a_line);
        let mut page = Vec::new();
        Man::new(plain)
            .title(name.to_uppercase())
            .section(self.section)
            .date(date())
            .source(self.source)
            .manual(title(self.section))
            .render(&mut page)?;
        let page = String::from_utf8_lossy(&page);
        let mut sections = sections(command);
        // How the command ends is said by the root, and holds for all that do not say it.
        let exit_status = |(heading, _): &(String, Vec<String>)| heading == "EXIT STATUS";
        if !sections.iter().any(exit_status) {
            let inherited = above.first().map(|root| self::sections(root));
            sections.splice(0..0, inherited.into_iter().flatten().filter(exit_status));
        }
        let end = self.end(&sections, above).to_roff();
        self.pages.push(Page {
            name,
            section: self.section,
            text: as_typed(&(conventional(&page) + &end)),
        });
        let above = [above, &[command]].concat();
        let mut subcommands = command.get_subcommands();
        subcommands.try_for_each(|subcommand| self.render(subcommand, &above))
    }

    /// The end of a page, which clap_mangen does not write.
    fn end(&self, sections: &[(String, Vec<String>)], above: &[&Command]) -> Roff {
        let mut roff = Roff::new();
        for (heading, lines) in sections {
            roff.control("SH", [heading.as_str()]);
            let terms = match heading.as_str() {
                "EXIT STATUS" | "FILES" => terms(lines),
                _ => None,
            };
            for (term, text) in terms.iter().flatten() {
                let is_file = heading == "FILES";
                let term = if is_file { italic(term) } else { bold(term) };
                roff.control("TP", []).text([term]).text([roman(text)]);
            }
            if terms.is_some() {
                continue;
            }
            roff.control("nf", []);
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

/// The lines as terms and what is said of each, where they are two columns.
fn terms(lines: &[String]) -> Option<Vec<(String, String)>> {
    let mut terms: Vec<(String, String)> = Vec::new();
    for line in lines {
        match (line.split_once("  "), terms.last_mut()) {
            (Some(("", more)), Some((_, text))) => {
                text.push(' ');
                text.push_str(more.trim_start());
            }
            (Some((term, text)), _) if !term.is_empty() => {
                terms.push((term.to_owned(), text.trim_start().to_owned()));
            }
            _ => return None,
        }
    }
    Some(terms)
}

/// The command as NAME has it: without a capital, unless that is of an abbreviation.
fn named(command: Command) -> Command {
    let Some(about) = command.get_about().map(ToString::to_string) else {
        return command;
    };
    let long = command.get_long_about().cloned();
    let long = long.unwrap_or_else(|| StyledStr::from(about.clone()));
    let mut letters = about.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    let is_word = letters.clone().next().is_some_and(|c| !c.is_uppercase());
    let name: String = first.into_iter().chain(letters).collect();
    let name = if is_word { name } else { about };
    command
        .about(name.trim_end_matches('.').to_owned())
        .long_about(long)
}

/// What clap_mangen writes, as man-pages(7) has it: what is to be replaced in italics and without
/// brackets, other pages in bold, and no line without text.
fn conventional(page: &str) -> String {
    let mut roff = String::with_capacity(page.len());
    let mut before = "";
    for line in page.lines() {
        let is_definition = before == ".TP";
        let is_usage = before == ".SH SYNOPSIS" || before == ".br";
        before = line;
        let line = line.replace("\\fI<", "\\fI").replace(">\\fR", "\\fR");
        let line = line.replace("<\\fI", "\\fI").replace("\\fR>", "\\fR");
        let line = match line.strip_suffix(')').and_then(|line| line.split_once('(')) {
            Some((name, section)) if is_definition && section.len() == 1 => {
                format!("\\fB{name}\\fR({section})")
            }
            _ if line.is_empty() => ".sp".to_owned(),
            _ if is_usage => line.replace('<', "\\fI").replace('>', "\\fR"),
            _ => line,
        };
        roff.push_str(&line);
        roff.push('\n');
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_of_the_section_and_refer_to_others() {
        let end = "Exit status:\n  0  done\n  1  not\n     done\n\n\
                   Files:\n  some\n\nExamples:\n  a\n\n  'b' `c` ~/d^…\n";
        let mut root = Command::new("jwt-x")
            .disable_help_subcommand(true)
            .about("Does it")
            .arg(clap::arg!(--to <WHOM> "who").required(true))
            .after_long_help(end)
            .subcommand(Command::new("a").about("JWTs, in a row."))
            .subcommand(Command::new("b").after_long_help("Exit status:\n  never"));
        root.build();
        let see_also = [("ssh", "1"), ("sshd", "8")];
        let pages = pages(&root, "1", &see_also, "jwt-x 1.2.3").unwrap();
        let names: Vec<&str> = pages.iter().map(|page| page.name.as_str()).collect();
        assert_eq!(names, ["jwt-x", "jwt-x-a", "jwt-x-b"]);
        let [root, sub, other] = &pages[..] else {
            panic!()
        };
        let has = |page: &Page, text: &str| assert!(page.text.contains(text), "{}", page.text);
        let date = date();
        has(
            root,
            &format!("\n.TH JWT-X 1 {date} \"jwt-x 1.2.3\" \"User Commands\"\n"),
        );
        has(root, "\njwt\\-x \\- does it\n");
        has(root, "\n\\fBjwt\\-x\\fR \\-\\-to \\fIWHOM\\fR ");
        has(root, "\n.SH DESCRIPTION\nDoes it\n");
        has(root, "\n.TP\n\\fB\\-\\-to\\fR \\fIWHOM\\fR\nwho\n");
        has(root, "\n.TP\n\\fBjwt\\-x\\-a\\fR(1)\n");
        let status = ".SH \"EXIT STATUS\"\n.TP\n\\fB0\\fR\ndone\n.TP\n\\fB1\\fR\nnot done\n";
        has(root, status);
        has(root, ".SH FILES\n.nf\nsome\n.fi\n");
        let typed = "\\&\\(aqb\\(aq \\(gac\\(ga \\(ti/d\\(ha\\[u2026]";
        has(root, &format!(".SH EXAMPLES\n.nf\na\n.sp\n{typed}\n.fi\n"));
        let references = ".SH \"SEE ALSO\"\n\\fBssh\\fR(1), \\fBsshd\\fR(8)\n";
        assert!(root.text.ends_with(references));
        has(sub, "\njwt\\-x\\-a \\- JWTs, in a row\n");
        has(sub, status);
        has(other, ".SH \"EXIT STATUS\"\n.nf\nnever\n.fi\n");
        assert!(!other.text.contains("done"));
        assert!(sub.text.ends_with(".SH \"SEE ALSO\"\n\\fBjwt\\-x\\fR(1)\n"));
    }
}

//! `pam-jwt trust`: the file of an issuer, from a recipe that says what to pin and why.

mod recipe;
mod recipes;

use crate::faults;
use crate::new_config;
use crate::new_file::NewFiles;
use clap::Args;
use clap::builder::PossibleValuesParser;
use cli::output::{Exit, Failure, Output};
use policy::config::{Config, Issuer, Source};
pub use recipe::quoted;
use recipe::{Parameter, Recipe};
use serde_json::{Value, json};
use std::path::Path;
use system::key_store;

/// Trust an issuer by a recipe: who it is, what its tokens must say, and why.
///
/// Without a recipe they are listed, with what each has to know. The file is written to
/// issuers.d, unless something is wrong with it or it would keep the configuration from
/// loading; it says what it does, and is there to be changed.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # which recipes there are, and what each has to know
  pam-jwt trust
  # what would be written
  pam-jwt trust pam-jwt-authserver --print --set issuer=https://a.example --set accounts=alice
  # jobs of a project at gitlab.com, on its protected branches
  pam-jwt trust gitlab --set project_id=278964 --set account=deploy
  # in its place, another account
  pam-jwt trust gitlab --force --set project_id=278964 --set account=build")]
pub struct Trust {
    /// The recipe.
    #[arg(value_name = "RECIPE", value_parser = PossibleValuesParser::new(recipes::names()))]
    recipe: Option<String>,
    /// What the recipe has to know; once for each of its parameters. The values of a list
    /// are parted by commas.
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment, requires = "recipe")]
    set: Vec<(String, String)>,
    /// The file's name, issuers.d/NAME.toml; the recipe's name unless this says another.
    #[arg(long, value_name = "NAME", value_parser = file_name, requires = "recipe")]
    name: Option<String>,
    /// Write the file to standard output and nothing else.
    #[arg(long, requires = "recipe", conflicts_with = "force")]
    print: bool,
    /// Replace a file that is there.
    #[arg(long, requires = "recipe")]
    force: bool,
}

impl Trust {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let Some(name) = &self.recipe else {
            let recipes: Vec<Recipe> = recipes::all().collect();
            out.report(
                || json!({ "recipes": recipes.iter().map(as_json).collect::<Vec<_>>() }),
                || recipes.iter().map(as_text).collect::<Vec<_>>().join("\n\n"),
            );
            return Ok(Exit::Done);
        };
        let recipe = recipes::all().find(|recipe| recipe.name == name);
        let recipe = recipe.ok_or_else(|| Failure::new(format!("the recipe {name} is broken")))?;
        let text = recipe.fill(&self.set).map_err(Failure::new)?;
        let name = self.name.as_deref().unwrap_or(recipe.name);
        let path = config.join("issuers.d").join(format!("{name}.toml"));
        let file = path.display().to_string();
        let issuer = issuer(&file, &text)?;
        if self.print {
            out.report(|| json!({ "file": file, "text": text }), || text.clone());
            return Ok(Exit::Done);
        }
        self.write(config, &path, &text)?;
        out.report(
            || json!({ "file": file, "issuer": issuer.issuer, "recipe": recipe.name }),
            || format!("Wrote {file}.\n\n{}", next_steps(&issuer)),
        );
        Ok(Exit::Done)
    }

    fn write(&self, config: &Path, path: &Path, text: &str) -> Result<(), Failure> {
        new_config::check_path(config)?;
        let shown = path.display();
        if !self.force && path.symlink_metadata().is_ok() {
            return Err(Failure::new(format!(
                "{shown} is there already; nothing was changed. Replace it by --force, or write \
                 another one by --name"
            )));
        }
        let mut files = NewFiles::default();
        new_config::prepare(&mut files, config)?;
        // Before it is there: a file that does not load would refuse the tokens of every issuer.
        key_store::load_with(config, path, text).map_err(|faults| {
            faults::failure(
                "nothing was written, since with it the configuration would not load",
                &faults,
            )
        })?;
        files.whole(path, 0o644, text.as_bytes(), self.force)?;
        files.keep();
        Ok(())
    }
}

/// What the file says, by itself.
fn issuer(file: &str, text: &str) -> Result<Issuer, Failure> {
    let [global, source] = [("pam-jwt.toml", ""), (file, text)];
    let [global, source] = [global, source].map(|(file, text)| Source { file, text });
    let parsed = Config::parse(global, &[source]);
    let mut issuers = parsed.readable.issuers.into_iter();
    issuers.next().ok_or_else(|| {
        faults::failure(
            "the values make no file that loads; nothing was written",
            &parsed.faults,
        )
    })
}

fn next_steps(issuer: &Issuer) -> String {
    let rule = issuer.allow.first();
    let service = rule.and_then(|rule| rule.services.first());
    let service = service.map_or("sshd", String::as_str);
    let mut steps = vec!["Read it: it says which claims it asks for, and why.".to_owned()];
    if issuer.fetch.is_some() {
        steps.push(
            "Have its keys fetched, and kept fresh:\n\
             \x20        systemctl enable --now pam-jwt-fetch.timer\n\
             \x20        pam-jwt status"
                .to_owned(),
        );
    }
    steps.push("See whether all is well:\n         pam-jwt check".to_owned());
    steps.push(format!(
        "See what a login with a token would do:\n\
         \x20        pam-jwt verify --user ACCOUNT --service {service} < token"
    ));
    let numbered = steps.iter().zip(1..);
    let lines: Vec<String> = numbered
        .map(|(step, at)| format!("  {at}. {step}"))
        .collect();
    format!("Next:\n{}", lines.join("\n"))
}

fn as_text(recipe: &Recipe) -> String {
    let mut text = format!("{}: {}", recipe.name, recipe.about);
    for parameter in &recipe.parameters {
        let Parameter { name, what, .. } = parameter;
        let kind = kind(parameter);
        text.push_str(&format!(
            "\n    {name}: {what}\n        {kind}: {}",
            parameter.shown
        ));
    }
    text
}

fn as_json(recipe: &Recipe) -> Value {
    let parameter = |parameter: &Parameter| {
        json!({
            "name": parameter.name, "what": parameter.what, kind(parameter): parameter.shown,
        })
    };
    let parameters: Vec<Value> = recipe.parameters.iter().map(parameter).collect();
    json!({ "name": recipe.name, "about": recipe.about, "parameters": parameters })
}

const fn kind(parameter: &Parameter) -> &'static str {
    if parameter.is_default {
        "default"
    } else {
        "example"
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("it is NAME=VALUE, such as account=deploy")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A file of issuers.d, and none anywhere else.
fn file_name(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if text.starts_with('.') || text.is_empty() || !text.bytes().all(fits) {
        return Err("it is letters, digits, '.', '_' and '-', without .toml".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_one_of_issuers_d() {
        for good in ["a", "keycloak-2", "a.b_c"] {
            assert_eq!(file_name(good).as_deref(), Ok(good));
        }
        for bad in ["", ".", "..", ".a", "a/b", "/a", "a b", "a\n", "ä"] {
            assert!(file_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_value_may_have_an_equals_sign() {
        assert_eq!(assignment("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(assignment("a").is_err());
    }
}

//! The recipes of conf/issuers, which this command has in it.

use super::recipe::Recipe;

/// Name and text of each recipe, in the order in which they are listed.
const TEXTS: [(&str, &str); 11] = [
    (
        "keycloak",
        include_str!("../../../conf/issuers/keycloak.toml"),
    ),
    ("entra", include_str!("../../../conf/issuers/entra.toml")),
    ("google", include_str!("../../../conf/issuers/google.toml")),
    (
        "github-actions",
        include_str!("../../../conf/issuers/github-actions.toml"),
    ),
    ("gitlab", include_str!("../../../conf/issuers/gitlab.toml")),
    (
        "kubernetes",
        include_str!("../../../conf/issuers/kubernetes.toml"),
    ),
    ("spiffe", include_str!("../../../conf/issuers/spiffe.toml")),
    ("wlcg", include_str!("../../../conf/issuers/wlcg.toml")),
    (
        "scitokens",
        include_str!("../../../conf/issuers/scitokens.toml"),
    ),
    (
        "pam-jwt-host",
        include_str!("../../../conf/issuers/pam-jwt-host.toml"),
    ),
    (
        "pam-jwt-authserver",
        include_str!("../../../conf/issuers/pam-jwt-authserver.toml"),
    ),
];

/// The names.
pub fn names() -> [&'static str; TEXTS.len()] {
    TEXTS.map(|(name, _)| name)
}

/// Every recipe.
pub fn all() -> impl Iterator<Item = Recipe> {
    let recipes = TEXTS.into_iter();
    recipes.filter_map(|(name, text)| Recipe::parse(name, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::config::{Account, Config, Fault, Source};
    use std::fs;
    use std::path::Path;

    fn shown(recipe: &Recipe) -> Vec<(String, String)> {
        let parameters = recipe.parameters.iter();
        parameters
            .map(|known| (known.name.to_owned(), known.shown.to_owned()))
            .collect()
    }

    #[test]
    fn every_file_of_conf_issuers_is_a_recipe() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../conf/issuers");
        let files = fs::read_dir(dir).unwrap();
        let mut files: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        let mut known = names().map(|name| format!("{name}.toml")).to_vec();
        files.sort();
        known.sort();
        assert_eq!(files, known);
        assert_eq!(all().count(), known.len());
    }

    #[test]
    fn every_recipe_makes_a_file_that_loads() {
        for recipe in all() {
            let name = recipe.name;
            let text = recipe.fill(&shown(&recipe)).unwrap();
            let [global, issuer] =
                [("pam-jwt.toml", ""), (name, &text)].map(|(file, text)| Source { file, text });
            let config = Config::parse(global, &[issuer]).whole();
            let faults = |faults: Vec<Fault>| {
                let faults: Vec<String> = faults.iter().map(Fault::to_string).collect();
                panic!("{name}: {}\n{text}", faults.join("\n"))
            };
            let config = config.unwrap_or_else(faults);
            let issuer = &config.issuers[0];
            // Nobody gets in for nothing, as root, or at sudo.
            assert!(issuer.max_lifetime.is_some(), "{name}");
            assert!(!issuer.allow.is_empty(), "{name}");
            for rule in &issuer.allow {
                let is_whole =
                    issuer.is_trust_domain && matches!(rule.account, Account::Claim { .. });
                assert!(is_whole || !rule.claims.is_empty(), "{name}");
                let mut services = rule.services.iter();
                assert!(services.all(|service| !service.starts_with("su")), "{name}");
                assert!(!rule.fetched_keys, "{name}");
            }
            // Each parameter is heeded, and none is left.
            for parameter in &recipe.parameters {
                let place = format!("<{}>", parameter.name);
                assert!(!text.contains(&place), "{name}: {place}");
                let mut other = shown(&recipe);
                other
                    .iter_mut()
                    .filter(|(known, _)| known == parameter.name)
                    .for_each(|(_, value)| {
                        value.push('x');
                    });
                assert_ne!(recipe.fill(&other).unwrap(), text, "{name}: {place}");
            }
            let left = text
                .lines()
                .find(|line| line.contains('<') || line.starts_with("#:"));
            assert_eq!(left, None, "{name}");
            assert!(
                text.lines().all(|line| line.chars().count() <= 100),
                "{name}"
            );
        }
    }

    /// A line of TOML behind `# `: a table's head, or a key and its value.
    fn offered(line: &str) -> Option<&str> {
        let line = line.strip_prefix("# ")?;
        let key = line.split_once(" = ").map(|(key, _)| key.trim_end());
        let in_key = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let is_entry = key.is_some_and(|key| key.bytes().all(in_key));
        (is_entry || line.starts_with('[')).then_some(line)
    }

    #[test]
    fn what_a_recipe_offers_besides_loads_as_well() {
        let mut offers = 0;
        for recipe in all() {
            let text = recipe.fill(&shown(&recipe)).unwrap();
            offers += text.lines().filter_map(offered).count();
            let lines = text.lines().map(|line| offered(line).unwrap_or(line));
            let text = lines.collect::<Vec<_>>().join("\n");
            let [global, issuer] = [("pam-jwt.toml", ""), (recipe.name, &text)]
                .map(|(file, text)| Source { file, text });
            let parsed = Config::parse(global, &[issuer]);
            let faults: Vec<String> = parsed.faults.iter().map(Fault::to_string).collect();
            assert!(faults.is_empty(), "{}\n{text}", faults.join("\n"));
        }
        assert!(offers >= 30, "{offers}");
    }
}

//! A new signing key, as `init` and `keygen` make it.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use cli::output::Failure;
use jose::{Algorithm, private_key};
use zeroize::Zeroizing;

/// Makes a key.
pub fn generate(alg: Algorithm, kid: Option<&str>) -> Result<private_key::Generated, Failure> {
    private_key::generate(alg, kid)
        .map_err(|error| Failure::new(format!("no key was made: {error}")))
}

/// A text file ends in a newline.
pub fn with_newline(text: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("{text}\n"))
}

/// Reads the name of an algorithm; help and completions list all of them.
pub fn algorithm() -> impl TypedValueParser<Value = Algorithm> {
    PossibleValuesParser::new(Algorithm::ALL.iter().map(|alg| alg.name()))
        .try_map(|name| Algorithm::from_name(&name).ok_or_else(|| format!("{name} is not known")))
}

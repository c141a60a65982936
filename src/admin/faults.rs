//! Faults of the configuration as the reason why the command cannot do its work.

use cli::output::Failure;
use policy::config::Fault;

/// A configuration that does not load.
pub fn config_does_not_load(faults: &[Fault]) -> Failure {
    failure(
        "the configuration does not load, so every token is refused",
        faults,
    )
}

/// A failure for this reason, with the faults that led to it.
pub fn failure(reason: &str, faults: &[Fault]) -> Failure {
    let faults: Vec<String> = faults.iter().map(Fault::to_string).collect();
    Failure::new(format!("{reason}:\n{}", faults.join("\n")))
}

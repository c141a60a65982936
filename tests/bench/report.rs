//! The table.

use crate::load::Outcome;

/// Prints the head of the table.
pub fn head(title: &str) {
    println!("\n{title}");
    println!(
        "{:<48} {:>9} {:>9} {:>9} {:>9} {:>12}",
        "", "rate/s", "p50 ms", "p99 ms", "max ms", "CPU µs each"
    );
}

/// A line of it: what was asked how often, and how long the server's processes computed for
/// each, in seconds in all.
pub fn line(name: &str, outcome: &Outcome, cpu: f64) {
    let answers = (outcome.answered + outcome.refused).max(1);
    println!(
        "{name:<48} {:>9.0} {:>9.2} {:>9.2} {:>9.2} {:>12.1}",
        outcome.rate,
        outcome.p50,
        outcome.p99,
        outcome.max,
        cpu * 1e6 / answers as f64
    );
    if outcome.refused > 0 {
        println!("    {} were refused: {}", outcome.refused, outcome.refusal);
    }
}

//! `make bench`: what pam-jwt-authserver bears, in one run beside npm's oidc-provider. Both are
//! in one throwaway machine, one after the other; the load is another process there, and all
//! share the processors. What is stored is stored on this machine's disk, below the directory
//! that cargo builds in. Nothing here is a test: no figure fails it.
//!
//! Arguments: parts of the names of what is to be measured; none: all of it.
#![forbid(unsafe_code)]

mod floor;
mod load;
mod measure;
mod report;
mod start;

use measure::Bench;
use std::io::Read;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<String> = words.into_iter().filter(|word| word != "--bench").collect();
    match words.first().map(String::as_str) {
        // In the machine, by `measure`.
        Some("load") => {
            let mut plan = String::new();
            std::io::stdin().read_to_string(&mut plan).expect("a plan");
            let outcome = load::run(&serde_json::from_str(&plan).expect("a plan"));
            println!("{}", serde_json::to_string(&outcome).expect("JSON"));
        }
        Some("floor") => {
            let address = words[1].parse().expect("an address");
            floor::serve(address, words[2].parse().expect("a number"));
        }
        Some("first-answer") => {
            let address = words[1].parse().expect("an address");
            println!("{}", start::first_answer(address, &words[2..]));
        }
        _ => {
            let machine = machine::Machine::boot_on_disk("bench");
            machine.install();
            machine.account("alice");
            let mut bench = Bench::new(&machine, words);
            bench.run();
        }
    }
}

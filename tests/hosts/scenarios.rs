//! Every scenario, through `pam-jwt verify`, libpam and a real sshd. A refused
//! login takes its two seconds of delay, so several worlds share them out.

#[path = "../scenario/mod.rs"]
mod scenario;

use machine::tell;
use scenario::Scenario;
use scenario::world::World;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

const WORLDS: usize = 16;

#[test]
fn every_scenario_ends_as_it_says() {
    let scenarios = Scenario::all();
    assert!(
        scenarios.len() >= 400,
        "only {} scenarios were found",
        scenarios.len()
    );
    let count = scenarios.len();
    let queue = Mutex::new(scenarios.into_iter());
    let next = || queue.lock().expect("the queue").next();
    let wrong: Vec<String> = std::thread::scope(|threads| {
        let work = || {
            let world = World::new();
            let _sshd = world.sshd();
            let mut wrong = Vec::new();
            while let Some(scenario) = next() {
                let shows = scenario.checklist.join(" ");
                println!("{} [{shows}]: {}", scenario.name, scenario.about);
                if catch_unwind(AssertUnwindSafe(|| world.play(&scenario))).is_err() {
                    wrong.push(scenario.name);
                }
            }
            world.play_good();
            wrong
        };
        let workers: Vec<_> = (0..WORLDS).map(|_| threads.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a world"))
            .collect()
    });
    tell(&format!(
        "{} of {count} scenarios ended as they say",
        count - wrong.len()
    ));
    assert!(wrong.is_empty(), "these did not: {wrong:#?}");
}

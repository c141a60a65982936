//! The Debian packages that `make deb` has made, in booted machines of either Debian: installed
//! by apt, enabled, upgraded with a session open, removed, purged.

mod life;
mod place;
mod refused;

use machine::{Machine, RELEASES};
use std::thread;

/// What happens in each release, at the same time: most of it is waiting.
fn in_each_release(test: fn(&Machine)) {
    thread::scope(|scope| {
        for release in RELEASES {
            scope.spawn(move || {
                let machine = Machine::boot_debian(release);
                let debian = machine.read("/etc/debian_version");
                machine::tell(&format!("booted: Debian {}", debian.trim_end()));
                test(&machine);
            });
        }
    });
}

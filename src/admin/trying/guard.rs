//! What puts the files back when nobody else does: a timer of systemd's, which no end of a session
//! stops, and a unit that is run when the machine starts.

use crate::programs;
use cli::output::Failure;
use std::fs::File;
use std::path::Path;

/// Run by systemd when the machine starts, before anybody can log in.
const AT_START: &str = "pam-jwt-rollback.service";
/// Where it is enabled (`WantedBy=`).
const WANTS: &str = "/etc/systemd/system/sysinit.target.wants";
/// Whether systemd runs (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";

/// The timer's name.
fn timer(id: &str) -> String {
    format!("pam-jwt-try-{id}")
}

/// Has everything put back when the machine is started anew, and in so many seconds.
pub fn arm(id: &str, seconds: u64) -> Result<(), Failure> {
    if !Path::new(BOOTED).exists() {
        return Err(Failure::new(
            "--try takes systemd, which does not run here: nothing else would put the file back \
             after a restart; enable without --try, and keep a root shell open",
        ));
    }
    run("systemctl", &["--quiet", "--no-reload", "enable", AT_START])?;
    let synced = File::open(WANTS).and_then(|dir| dir.sync_all());
    synced.map_err(|error| Failure::new(format!("{WANTS}: {error}")))?;
    let own = std::env::current_exe();
    let own = own.map_err(|error| Failure::new(format!("/proc/self/exe: {error}")))?;
    let own = own.display().to_string();
    let unit = format!("--unit={}", timer(id));
    let after = format!("--on-active={seconds}s");
    run(
        "systemd-run",
        &[
            "--quiet",
            "--collect",
            &unit,
            "--description=Put back what pam-jwt enable --try has tried",
            &after,
            "--timer-property=AccuracySec=100ms",
            "--property=Type=oneshot",
            "--property=Restart=on-failure",
            "--property=RestartSec=5s",
            "--property=TimeoutStartSec=60s",
            &own,
            "rollback",
            "--expired",
        ],
    )
}

/// Nothing is to be put back any more. What cannot be disarmed finds nothing to do.
pub fn disarm(id: &str) {
    if Path::new(BOOTED).exists() {
        let _ = run(
            "systemctl",
            &["--quiet", "stop", &format!("{}.timer", timer(id))],
        );
        let _ = run(
            "systemctl",
            &["--quiet", "--no-reload", "disable", AT_START],
        );
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<(), Failure> {
    let failed = |why: &str| {
        Failure::new(format!(
            "{program} {}: {why}; without it the file would not be put back",
            arguments.join(" ")
        ))
    };
    let ran = programs::run(program, arguments).map_err(|error| failed(&error.to_string()))?;
    if ran.is_done {
        Ok(())
    } else {
        Err(failed(ran.stderr.trim()))
    }
}

//! login, shadow's and util-linux's: one of them is this machine's, the other one the booted
//! Debian's.

use crate::side_by_side;
use crate::terminals::text;
use crate::world::World;
use machine::{Machine, Terminal};

struct Console {
    world: World,
    is_util_linux: bool,
}

impl Console {
    fn of(machine: Machine) -> Console {
        let version = machine.run(["sh", "-c", "login --version 2>&1"]).stdout;
        Console {
            is_util_linux: version.contains("util-linux"),
            world: World::of(machine),
        }
    }

    /// Somebody has typed a name, and nothing where a password is asked for; what was shown
    /// then, up to the code.
    fn login(&self, account: &str) -> (Terminal, String) {
        let login = self.world.machine.command(["login"]);
        let mut login = if self.is_util_linux {
            login.uncontrolled_terminal()
        } else {
            login.terminal()
        };
        login.expect("login: ").send_line(account);
        login.expect("Password or token: ").send_line("");
        let shown = login.until(&text());
        (login, shown)
    }

    fn takes_a_login_with_a_browser(&self) {
        let world = &self.world;
        let (mut login, shown) = self.login("alice");
        assert!(shown.contains('█'), "{shown}");
        world.confirms("alice");
        login.expect("$ ").send_line("echo I am $(id -un)");
        login.expect("I am alice");
        login.expect("$ ").send_line("exit");
        let _ = login.wait().expect_success();

        // Whoever asks for an account that there is none of sees the same.
        for (account, reason) in [
            ("bob", "account_not_allowed account=bob"),
            ("mallory", "account_not_allowed account=unknown"),
        ] {
            let mark = world.machine.mark();
            let (mut login, seen) = self.login(account);
            assert_eq!(seen, shown, "{account}");
            world.confirms("alice");
            login.expect("Login incorrect");
            let line = format!("result=refused reason={reason} service=login");
            world.machine.wait_for_log(mark, &line);
        }
        let mark = world.machine.mark();
        let (mut login, _) = self.login("mallory");
        world.confirms("mallory");
        login.expect("Login incorrect");
        let line = "reason=account_unknown account=unknown service=login";
        world.machine.wait_for_log(mark, line);
        drop(login);
        world.expect_no_helper();
    }
}

#[test]
fn both_logins_take_a_login_with_a_browser() {
    side_by_side(&[
        || Console::of(Machine::boot()).takes_a_login_with_a_browser(),
        || Console::of(Machine::boot_other_debian()).takes_a_login_with_a_browser(),
    ]);
}
